using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class ServerTokenIssuerTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    private readonly FleetParts parts = new();

    private static ServerTokenOrder Order => new("web1.example.net", new string('a', 64), ["choria", "london"], "choria", Lifetime);

    private TokenTrust Trust => TokenTrust.InOrganizations(
        new Dictionary<string, IssuerKey> { ["choria"] = IssuerKey.FromEd25519Hex(parts.Issuer.PublicKeyHex) });

    public ValueTask DisposeAsync() => parts.DisposeAsync();

    [Fact]
    public void Issue_MakesATokenOfTheOrganisation_ForExactlyTheNodeAndItsKey()
    {
        using var own = new OwnTokenIssuer(Options.Create(parts.Options));
        var issuer = new ChoriaServerTokenIssuer(own);

        var made = issuer.Issue(Order, Now);

        Assert.True(Trust.TryVerify(made.Token, Now, out ServerClaims? claims, out var fault), fault?.Detail);
        Assert.Equal((Order.Identity, Order.PublicKey), (claims.Identity, claims.PublicKey));
        Assert.Equal(Order.Collectives, claims.Collectives);
        Assert.Equal(Now + Lifetime, made.ExpiresAt);

        // A node's clock may be a minute slow, and it allows no leeway.
        Assert.True(Trust.TryVerify(made.Token, Now.AddMinutes(-1), out ServerClaims? _, out _));
    }

    [Fact]
    public void Issue_AsAChainIssuer_EndsNoLaterThanTheChain_AndLeadsToTheOrganisation()
    {
        using var key = Ed25519Key.FromSeedHex(new string('9', 64));
        var chainClaims = new ClientClaims { CallerId = "choria=provisioner", PublicKey = key.PublicKeyHex, OrganizationUnit = "choria" };
        parts.Options.ServerTokenSeedFile = parts.Write("chain.seed", new string('9', 64));
        parts.Options.ServerTokenIssuerTokenFile = parts.Write(
            "chain.jwt", TokenIssuer.Organization(parts.Issuer).IssueChainIssuer(chainClaims, TimeSpan.FromDays(10), Now));
        using var own = new OwnTokenIssuer(Options.Create(parts.Options));
        var issuer = new ChoriaServerTokenIssuer(own);

        var made = issuer.Issue(Order, Now);

        Assert.True(Trust.TryVerify(made.Token, Now, out ServerClaims? claims, out var fault), fault?.Detail);
        Assert.Equal(Order.Identity, claims.Identity);
        Assert.Equal(Now + TimeSpan.FromDays(10), made.ExpiresAt);
    }

    [Fact]
    public void Start_NamesTheFile_AndNotWhatIsInIt_WhenTheSeedIsNone()
    {
        parts.Options.ServerTokenSeedFile = parts.Write("broken.seed", "planted-secret");

        var fault = Assert.Throws<InvalidOperationException>(() => new OwnTokenIssuer(Options.Create(parts.Options)));

        Assert.Contains("broken.seed", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", fault.ToString(), StringComparison.Ordinal);
    }
}
