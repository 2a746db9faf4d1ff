using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class AttestorTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly FleetParts parts = new();

    public ValueTask DisposeAsync() => parts.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Attest_TrustsATokenOfOurSigners_AndKeepsNoSecretOfIt(bool isV2)
    {
        var token = isV2
            ? TokenIssuer.Organization(parts.Issuer).Issue(Claims() with { ProtocolV2 = true }, Lifetime, Now)
            : TokenIssuer.Rsa(parts.Signer).Issue(Claims(), Lifetime, Now);

        var trusted = Assert.IsType<Attestation.Trusted>(parts.Attestor.Attest(token, Now));

        Assert.Contains("nats://broker.example.net:4222", trusted.ClaimsJson, StringComparison.Ordinal);
        Assert.DoesNotContain(FleetParts.Secret, trusted.ClaimsJson, StringComparison.Ordinal);
        Assert.DoesNotContain("p4ssw0rd", trusted.ClaimsJson, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Attest_SaysThatTheSignatureIsWrong_WhenASignerOfTheSameKindMadeIt(bool isV2)
    {
        using var rsa = RSA.Create(2048);
        using var ed25519 = Ed25519Key.FromSeedHex(new string('8', 64));
        var forger = isV2 ? TokenIssuer.Organization(ed25519) : TokenIssuer.Rsa(rsa);

        var refused = Refused(forger.Issue(Claims(), Lifetime, Now));

        Assert.Equal(Refusal.TokenUntrusted, refused.Refusal);
        Assert.Equal("its provisioning token is refused: its signature is not the issuer's", refused.Detail);
    }

    [Fact]
    public void Attest_NamesTheAlgorithm_WhenNoTrustedKeySignsSo()
    {
        parts.Options.ProvisioningTokenSignerFiles.Clear();
        var attestor = new ControlPlane.Adapters.Fleet.ProvisioningTokenAttestor(
            parts.Secrets, Microsoft.Extensions.Options.Options.Create(parts.Options), parts.Provisioning);

        var refused = Assert.IsType<Attestation.Refused>(
            attestor.Attest(TokenIssuer.Rsa(parts.Signer).Issue(Claims(), Lifetime, Now), Now));

        Assert.Equal(Refusal.TokenUntrusted, refused.Refusal);
        Assert.Contains("RS256", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Attest_RefusesAnotherSecret() =>
        Assert.Equal(
            Refusal.SecretMismatch,
            Refused(TokenIssuer.Rsa(parts.Signer).Issue(Claims() with { Secret = "another" }, Lifetime, Now)).Refusal);

    [Fact]
    public void Attest_SaysThatATokenExpired_ThoughAnotherTrustDoesNotKnowItsSigner() =>
        Assert.Equal(
            Refusal.TokenExpired,
            Refused(TokenIssuer.Rsa(parts.Signer).Issue(Claims(), Lifetime, Now - Lifetime)).Refusal);

    [Fact]
    public void Attest_ReproachesNobody_WithATokenThatIsNotValidYet()
    {
        var token = TokenIssuer.Rsa(parts.Signer).Issue(Claims(), Lifetime, Now + TimeSpan.FromHours(1));

        Assert.Contains("clock", Assert.IsType<Attestation.NotYet>(parts.Attestor.Attest(token, Now)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Attest_RefusesAKnownToken_FromTheMomentItExpires()
    {
        var token = TokenIssuer.Rsa(parts.Signer).Issue(Claims(), Lifetime, Now);
        Assert.IsType<Attestation.Trusted>(parts.Attestor.Attest(token, Now));

        var refused = Assert.IsType<Attestation.Refused>(parts.Attestor.Attest(token, Now + Lifetime));
        Assert.Equal(Refusal.TokenExpired, refused.Refusal);
    }

    [Fact]
    public void Attest_RefusesATokenOfAnotherPurpose()
    {
        var client = new ClientClaims { CallerId = "choria=rip", PublicKey = parts.Issuer.PublicKeyHex };
        Assert.Equal(
            Refusal.TokenOfAnotherPurpose, Refused(TokenIssuer.Organization(parts.Issuer).Issue(client, Lifetime, Now)).Refusal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("not a token")]
    [InlineData("e30.e30.e30")]
    public void Attest_RefusesWhatIsNoToken(string token) =>
        Assert.True(Refused(token).Refusal is Refusal.TokenMalformed or Refusal.TokenUntrusted);

    private static ProvisioningClaims Claims() => new()
    {
        Secret = FleetParts.Secret,
        Urls = "nats://broker.example.net:4222",
        User = "node",
        Password = "p4ssw0rd",
        ProvisionByDefault = true,
    };

    private Attestation.Refused Refused(string token) => Assert.IsType<Attestation.Refused>(parts.Attestor.Attest(token, Now));
}
