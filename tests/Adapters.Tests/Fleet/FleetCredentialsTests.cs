using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Certificates;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Credentials are judged at start, all at once: a wrong one is otherwise found by the first node that stays silent.</summary>
public sealed class FleetCredentialsTests : IAsyncDisposable
{
    private const string CallerId = "up=controlplane";

    private readonly FleetParts parts = new(overlay: "nats://127.0.0.1:1");
    private readonly TestPki pki = TestPki.Create();
    private readonly OverlaysOptions overlays = new()
    {
        Region = "eu", Local = FleetParts.Overlay, Members = { [FleetParts.Overlay] = new OverlayOptions() },
    };

    private static ClientClaims Client => new()
    {
        CallerId = CallerId,
        Agents = ["choria_provision.reprovision"],
        Permissions = new ClientPermissions { FleetManagement = true, StreamsUser = true, EventsViewer = true },
    };

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private TokenIssuer Issuer => TokenIssuer.Organization(parts.Issuer);

    public ValueTask DisposeAsync()
    {
        pki.Dispose();
        return parts.DisposeAsync();
    }

    [Fact]
    public void Validate_PassesWhatBrokersAndNodesWouldTake()
    {
        UseCallerToken(Client, TimeSpan.FromDays(30));
        UseProvisionerToken(Client with { Permissions = new ClientPermissions { Provisioner = true } });
        UseCertificate("eu.controlplane.mcollective");
        overlays.Members[FleetParts.Overlay].Configuration["rpcauthprovider"] = "aaasvc";

        // The certificate is of another caller than the token: each is judged by its own.
        Assert.DoesNotContain(Faults(), fault => !fault.Contains("CertificateFile", StringComparison.Ordinal));
    }

    [Fact]
    public void Validate_RefusesACallerTokenOfAnotherCaller_WhichHungForEver()
    {
        UseCallerToken(Client with { CallerId = "up=somebody" }, TimeSpan.FromDays(30));

        Assert.Contains(
            "CallerProof:TokenFile: names a token of the caller 'up=somebody', and Fleet:Caller is 'up=controlplane'",
            Assert.Single(Faults()),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("another key", "--public-key")]
    [InlineData("expired", "expired at")]
    [InlineData("not yet", "is not valid before")]
    [InlineData("another issuer", "does not vouch for")]
    [InlineData("another organisation", "does not vouch for")]
    [InlineData("a server token", "holds no client token")]
    [InlineData("no token", "holds no client token")]
    [InlineData("no permission", "--fleet-management")]
    [InlineData("a delegator", "somebody else would have to sign")]
    [InlineData("no agents", "--agents choria_provision.reprovision")]
    [InlineData("a bare agent", "makes nodes refuse it whole")]
    public void Validate_SaysWhatIsWrongWithACallersToken_AndTheRemedy(string what, string said)
    {
        overlays.Members[FleetParts.Overlay].Configuration["rpcauthprovider"] = "aaasvc";
        var lifetime = TimeSpan.FromDays(30);
        using var stranger = Ed25519Key.FromSeedHex(new string('5', 64));
        UseCallerToken(Client, lifetime);
        var key = ClientKey.PublicKeyHex;
        var token = what switch
        {
            "another key" => Issuer.Issue(Client with { PublicKey = stranger.PublicKeyHex }, lifetime, Now),
            "expired" => Issuer.Issue(Client with { PublicKey = key }, TimeSpan.FromHours(1), Now.AddDays(-1)),
            "not yet" => Issuer.Issue(Client with { PublicKey = key }, lifetime, Now.AddHours(1)),
            "another issuer" => TokenIssuer.Organization(stranger).Issue(Client with { PublicKey = key }, lifetime, Now),
            "another organisation" => Issuer.Issue(Client with { PublicKey = key, OrganizationUnit = "acme" }, lifetime, Now),
            "a server token" => Issuer.Issue(
                new ServerClaims { Identity = "n", Collectives = ["choria"], PublicKey = key }, lifetime, Now),
            "no token" => "nonsense",
            "no permission" => Issuer.Issue(Client with { PublicKey = key, Permissions = null }, lifetime, Now),
            "a delegator" => Issuer.Issue(
                Client with { PublicKey = key, Permissions = new ClientPermissions { SignedFleetManagement = true } }, lifetime, Now),
            "no agents" => Issuer.Issue(Client with { PublicKey = key, Agents = null }, lifetime, Now),
            _ => Issuer.Issue(Client with { PublicKey = key, Agents = ["*", "rpcutil"] }, lifetime, Now),
        };
        parts.Options.CallerProof!.TokenFile = parts.Write("caller.jwt", token);

        var fault = Assert.Single(Faults());

        Assert.Contains("CallerProof:TokenFile: ", fault, StringComparison.Ordinal);
        Assert.Contains(said, fault, StringComparison.Ordinal);
        Assert.DoesNotContain(token, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_SaysAllThatIsWrong_InEverySetting()
    {
        using var stranger = Ed25519Key.FromSeedHex(new string('5', 64));
        parts.Options.SharedSecretFile = parts.Write("secret", "\n");
        parts.Options.ProvisioningTokenSignerFiles = [parts.Write("signer.pem", "nonsense")];
        parts.Options.ServerTokenSeedFile = parts.Write("issuer.seed", new string('5', 64));
        UseProvisionerToken(Client);
        UseCallerToken(Client, TimeSpan.FromDays(30));
        parts.Options.CallerProof!.SeedFile = parts.Write("caller.seed", "12");
        var network = parts.Options.Overlays[FleetParts.Overlay];
        network.CaFile = parts.Write("ca.pem", "nonsense");
        (network.CertificateFile, network.KeyFile) = (pki.ClientCertificate("one").CertificatePath, pki.ClientCertificate("two").KeyPath);
        network.TokenFile = parts.Write("overlay.jwt", TokenIssuer.Organization(stranger).Issue(
            Client with { PublicKey = stranger.PublicKeyHex, Permissions = null }, TimeSpan.FromHours(1), Now.AddDays(-1)));
        network.SeedFile = parts.Write("overlay.seed", new string('5', 64));

        var faults = Faults();

        string[] expected =
        [
            "SharedSecretFile: ", "ProvisioningTokenSignerFiles:0: ", "ServerTokenSeedFile: ", "Provisioning:TokenFile: ",
            "CallerProof:SeedFile: ", "Overlays:london:CaFile: ", "Overlays:london:CertificateFile: ", "Overlays:london:TokenFile: ",
        ];
        Assert.All(expected, field => Assert.Contains(faults, fault => fault.Contains(field, StringComparison.Ordinal)));
        Assert.Equal(3, faults.Count(fault => fault.Contains("Overlays:london:TokenFile: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "is none of Provisioning:Issuers")]
    public void Validate_HoldsTheSeedOfServerTokens_AgainstTheIssuersThatNodesTrust(bool isTheIssuers, string? said)
    {
        parts.Options.ServerTokenSeedFile = parts.Write("server.seed", isTheIssuers ? FleetParts.IssuerSeed : new string('5', 64));

        Assert.Equal(said is not null, Faults().Any(fault => fault.Contains(said ?? "none", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "is not that of a chain issuer")]
    public void Validate_WantsAChainIssuersToken_BesideAChainIssuersSeed(bool isChainIssuer, string? said)
    {
        using var chain = Ed25519Key.FromSeedHex(new string('9', 64));
        var claims = Client with { PublicKey = chain.PublicKeyHex };
        parts.Options.ServerTokenSeedFile = parts.Write("chain.seed", new string('9', 64));
        parts.Options.ServerTokenIssuerTokenFile = parts.Write("chain.jwt", isChainIssuer
            ? Issuer.IssueChainIssuer(claims, TimeSpan.FromDays(10), Now)
            : Issuer.Issue(claims, TimeSpan.FromDays(10), Now));

        var faults = Faults();

        Assert.Equal(said is null ? 0 : 1, faults.Count);
        Assert.All(faults, fault => Assert.Contains(said!, fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("choria=eu.controlplane.mcollective", "eu.controlplane.mcollective", null)]
    [InlineData("choria=eu.controlplane.mcollective", "someone.mcollective", "names a certificate of someone.mcollective")]
    [InlineData("choria=eu.controlplane", "eu.controlplane", "take no requests from")]
    [InlineData("up=controlplane", "eu.controlplane.mcollective", "Fleet:Caller is 'up=controlplane'")]
    public void Validate_HoldsTheCallersCertificate_AgainstNodesRules(string caller, string name, string? said)
    {
        parts.Options.Caller = caller;
        UseCertificate(name);

        var faults = Faults();

        Assert.Equal(said is null ? 0 : 1, faults.Count);
        Assert.All(faults, fault => Assert.Contains(said!, fault, StringComparison.Ordinal));
    }

    [Fact]
    public void Validate_WantsTheCallersCertificateFromTheCaThatNodesJudgeItBy()
    {
        using var another = TestPki.Create(name: "another CA");
        parts.Options.Caller = "choria=eu.controlplane.mcollective";
        UseCertificate("eu.controlplane.mcollective");
        parts.Options.Overlays[FleetParts.Overlay].NodeCaFile = another.AuthorityPath;

        Assert.Contains("Fleet:Overlays:london:NodeCaFile", Assert.Single(Faults()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FleetParts.Overlay, 2)]
    [InlineData("paris", 0)]
    public void Validate_AsksOfALink_NothingThatOnlyCallsOfNodesNeed(string overlay, int faults)
    {
        using var another = TestPki.Create(name: "another CA");
        UseCallerToken(Client, TimeSpan.FromDays(30));
        parts.Options.Caller = "choria=eu.controlplane.mcollective";
        parts.Options.CallerProof!.TokenFile = parts.Options.CallerProof.SeedFile = null;
        UseCertificate("eu.controlplane.mcollective");
        parts.Options.Overlays[overlay] = new NetworkOptions
        {
            NodeCaFile = another.AuthorityPath,
            TokenFile = parts.Write("link.jwt", Issuer.Issue(
                Client with { PublicKey = ClientKey.PublicKeyHex, Permissions = null }, TimeSpan.FromDays(30), Now)),
            SeedFile = parts.Write("link.seed", ClientKey.ExportSeedHex()),
        };

        Assert.Equal(faults, Faults().Count);
    }

    [Fact]
    public void Validate_TakesTheNamesThatNodesAreToldToAllow()
    {
        parts.Options.Caller = "choria=eu.controlplane";
        overlays.Members[FleetParts.Overlay].Configuration["plugin.choria.security.certname_whitelist"] = @"\.mcollective$,\.controlplane$";
        UseCertificate("eu.controlplane");

        Assert.Empty(Faults());
    }

    [Fact]
    public void Ends_WarnOfWhatEndsWithinAMonth_AndOfNothingElse()
    {
        UseCallerToken(Client, TimeSpan.FromDays(12));
        UseCertificate("eu.controlplane.mcollective");

        var ends = new CredentialEnds(Options.Create(parts.Options), TimeProvider.System);

        Assert.Equal(2, ends.All().Count);
        Assert.StartsWith("Fleet:CallerProof:TokenFile ends at ", Assert.Single(ends.Warnings()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_TellOfTheCa_ThatAnIssuerNeeds()
    {
        // The end of the scripted issuer's root.
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(200).AddDays(-20));
        await using var services = new ServiceCollection().AddMetrics().AddSingleton<CertificatesMeter>()
            .AddKeyedSingleton<ICertificateIssuer>("ca", new ScriptedIssuer("ca")).BuildServiceProvider();
        using var desks = new GuardedIssuers(
            services,
            Options.Create(new CertificatesOptions()),
            new ProfileTrials(time, NullLogger<ProfileTrials>.Instance),
            services.GetRequiredService<CertificatesMeter>(),
            time);
        var ends = new CredentialEnds(Options.Create(new FleetOptions()), time, desks);
        Assert.Empty(ends.All());

        await desks.Of("ca").ProveAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith(
            "Certificates:Issuers:ca: the CA 'CN=ca root' ends at 2170-01-01", Assert.Single(ends.Warnings()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("0", null, false)]
    [InlineData("perhaps", null, true)]
    [InlineData("1", "aaasvc", false)]
    [InlineData("1", "rego_policy", false)]
    public void Unwilling_AreNodesThatDecideByAPolicyFileWhichTheyAreNotGiven(string? authorization, string? provider, bool isUnwilling)
    {
        UseCallerToken(Client, TimeSpan.FromDays(12));
        var configuration = overlays.Members[FleetParts.Overlay].Configuration;
        foreach (var (name, value) in new[] { ("rpcauthorization", authorization), ("rpcauthprovider", provider) })
        {
            if (value is not null)
            {
                configuration[name] = value;
            }
        }

        Assert.Equal(isUnwilling, CredentialWatch.Unwilling(parts.Options, overlays).Any());
    }

    private Ed25519Key ClientKey { get; } = Ed25519Key.FromSeedHex(new string('3', 64));

    private void UseCallerToken(ClientClaims claims, TimeSpan lifetime)
    {
        parts.Options.Caller = CallerId;
        parts.Options.CallerProof = new CallerProofOptions
        {
            TokenFile = parts.Write("caller.jwt", Issuer.Issue(claims with { PublicKey = ClientKey.PublicKeyHex }, lifetime, Now)),
            SeedFile = parts.Write("caller.seed", ClientKey.ExportSeedHex()),
        };
    }

    private void UseProvisionerToken(ClientClaims claims)
    {
        var network = parts.Options.Provisioning!;
        (network.User, network.PasswordFile) = ("provisioner", parts.Write("password", "a password"));
        network.TokenFile = parts.Write(
            "provisioner.jwt", Issuer.Issue(claims with { PublicKey = ClientKey.PublicKeyHex }, TimeSpan.FromDays(30), Now));
        network.SeedFile = parts.Write("provisioner.seed", ClientKey.ExportSeedHex());
    }

    private void UseCertificate(string name)
    {
        var files = pki.CallerCertificate(name);
        parts.Options.CallerProof ??= new CallerProofOptions();
        (parts.Options.CallerProof.CertificateFile, parts.Options.CallerProof.KeyFile) = (files.CertificatePath, files.KeyPath);
    }

    private IReadOnlyList<string> Faults() =>
    [
        .. new FleetCredentialsValidator(parts.Provisioning, Options.Create(overlays), TimeProvider.System)
            .Validate(null, parts.Options).Failures ?? [],
    ];
}
