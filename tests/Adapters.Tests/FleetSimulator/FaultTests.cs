using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>Nodes that misbehave on demand, against a stock nats-server: that each is wrong in its own way, and in no other.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dead_IsAnnouncedAndSilent()
    {
        await using var stage = await Stage.OpenAsync(SimulatedFault.Dead);

        await Assert.ThrowsAsync<TimeoutException>(
            () => stage.CallAsync("rpcutil", "ping").WaitAsync(TimeSpan.FromMilliseconds(500), Cancelled));
        Assert.Contains(stage.Provisioner.Events, said => said.Identity == stage.Node.Identity && said.Kind == LifecycleKind.Startup);
    }

    [Fact]
    public async Task Duplicate_AnswersTwice()
    {
        await using var stage = await Stage.OpenAsync(SimulatedFault.Duplicate);

        await stage.CallAsync("rpcutil", "ping");

        await UntilAsync(() => stage.Provisioner.Replies.Count == 2);
    }

    [Fact]
    public async Task Lossy_LosesTheReplyButDoesTheAction()
    {
        await using var stage = await Stage.OpenAsync(SimulatedFault.Lossy, lossRate: 1);

        _ = stage.CallAsync("choria_provision", "gencsr");

        await UntilAsync(() => stage.Node.PublicKeyFingerprint is not null);
        Assert.Empty(stage.Provisioner.Replies);
    }

    [Fact]
    public async Task Slow_AnswersLate()
    {
        await using var stage = await Stage.OpenAsync(SimulatedFault.Slow, slowDelay: TimeSpan.FromMilliseconds(400));
        var began = TimeProvider.System.GetTimestamp();

        await stage.CallAsync("rpcutil", "ping");

        Assert.True(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMilliseconds(390));
    }

    [Fact]
    public async Task RestartsMidway_AnnouncesItselfAgainAndFreesItsLock()
    {
        await using var stage = await Stage.OpenAsync(SimulatedFault.RestartsMidway);
        for (var call = 0; call < 4 && stage.Node.Starts == 1; call++)
        {
            await Task.WhenAny(stage.CallAsync("choria_provision", "jwt"), UntilAsync(() => stage.Node.Starts == 2));
        }

        await UntilAsync(() => stage.Provisioner.Events.Count(said => said.Kind == LifecycleKind.Startup) == 2);
        await using var other = await stage.Network.ProvisionerAsync(Cancelled, "other.example.net");
        await other.CallAsync(stage.Node.Identity, ChoriaProtocol.V1, "choria_provision", "jwt", other.Token());
    }

    [Theory]
    [InlineData(SimulatedFault.WrongSecret, TokenRefusal.Malformed)]
    [InlineData(SimulatedFault.ForgedToken, TokenRefusal.Untrusted)]
    [InlineData(SimulatedFault.ForeignToken, TokenRefusal.Untrusted)]
    [InlineData(SimulatedFault.ExpiredToken, TokenRefusal.Expired)]
    [InlineData(SimulatedFault.WrongChain, TokenRefusal.WronglyChained)]
    public async Task Tokens_AreWrongInOneWay(SimulatedFault fault, TokenRefusal refusal)
    {
        var secret = fault == SimulatedFault.WrongSecret ? "s3cret-not" : "s3cret";
        await using var stage = await Stage.OpenAsync(fault, FleetProtocol.V2, secret: secret);

        var token = (await stage.CallAsync("choria_provision", "jwt")).GetProperty("jwt").GetString()!;

        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(stage.Network.Issuer.PublicKeyHex));
        var isValid = trust.TryVerify(token, TimeProvider.System.GetUtcNow(), out ProvisioningClaims? claims, out var wrong);
        if (fault == SimulatedFault.WrongSecret)
        {
            Assert.True(isValid);
            Assert.False(claims!.HasSecret("s3cret"));
            return;
        }

        Assert.False(isValid);
        Assert.Equal(refusal, wrong!.Reason);
    }

    [Theory]
    [InlineData(SimulatedFault.None)]
    [InlineData(SimulatedFault.OtherCommonName)]
    [InlineData(SimulatedFault.ForeignAlternativeName)]
    [InlineData(SimulatedFault.AuthorityRequest)]
    [InlineData(SimulatedFault.WeakKey)]
    [InlineData(SimulatedFault.PrivilegedName)]
    [InlineData(SimulatedFault.UnprovenKey)]
    public async Task SigningRequests_AreHostileInOneWay(SimulatedFault fault)
    {
        await using var stage = await Stage.OpenAsync(fault);

        var pem = (await stage.CallAsync("choria_provision", "gencsr")).GetProperty("csr").GetString()!;

        var request = Load(pem, validate: fault != SimulatedFault.UnprovenKey);
        using var key = request.PublicKey.GetRSAPublicKey()!;
        var name = request.SubjectName.EnumerateRelativeDistinguishedNames().Single().GetSingleElementValue();
        Assert.Equal(fault == SimulatedFault.OtherCommonName, name != stage.Node.Identity);
        Assert.Equal(fault == SimulatedFault.PrivilegedName, name!.EndsWith(".mcollective", StringComparison.Ordinal));
        Assert.Equal(fault == SimulatedFault.WeakKey ? 1024 : 2048, key.KeySize);
        Assert.Equal(fault == SimulatedFault.AuthorityRequest, request.CertificateExtensions.OfType<X509BasicConstraintsExtension>().Any());
        Assert.Equal(
            fault == SimulatedFault.ForeignAlternativeName,
            request.CertificateExtensions.OfType<X509SubjectAlternativeNameExtension>().Any());
        Assert.Equal(
            stage.Node.PublicKeyFingerprint, Convert.ToHexStringLower(SHA256.HashData(request.PublicKey.ExportSubjectPublicKeyInfo())));
        if (fault == SimulatedFault.UnprovenKey)
        {
            Assert.ThrowsAny<CryptographicException>(() => Load(pem, validate: true));
        }
    }

    [Fact]
    public async Task Faults_AreSpreadOverTheFleetAsAsked()
    {
        await using var network = await ProvisioningNetwork.StartAsync(mutualTls: false, Cancelled);
        var faults = new Dictionary<SimulatedFault, FaultShare>
        {
            [SimulatedFault.Dead] = FaultShare.Percent(10),
            [SimulatedFault.Slow] = FaultShare.Count(3),
        };
        await using var fleet = await SimulatedFleet.StartAsync(Stage.Options(network, 50, FleetProtocol.Both, faults), Cancelled);

        Assert.Equal(5, fleet.Nodes.Count(node => node.Fault == SimulatedFault.Dead));
        Assert.Equal(3, fleet.Nodes.Count(node => node.Fault == SimulatedFault.Slow));
        Assert.Equal(45, fleet.ExpectedArrivals);
    }

    private static CertificateRequest Load(string pem, bool validate) => CertificateRequest.LoadSigningRequestPem(
        pem,
        HashAlgorithmName.SHA256,
        CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions
            | (validate ? CertificateRequestLoadOptions.Default : CertificateRequestLoadOptions.SkipSignatureValidation));

    private static async Task UntilAsync(Func<bool> holds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, "it did not happen in time");
            await Task.Delay(Poll, Cancelled);
        }
    }

    /// <summary>One node with a fault, and a provisioner.</summary>
    private sealed record Stage(ProvisioningNetwork Network, TestProvisioner Provisioner, SimulatedFleet Fleet) : IAsyncDisposable
    {
        public SimulatedNode Node => Fleet.Nodes[0];

        public static async Task<Stage> OpenAsync(
            SimulatedFault fault,
            FleetProtocol protocol = FleetProtocol.V1,
            double lossRate = 0.3,
            TimeSpan? slowDelay = null,
            string secret = "s3cret")
        {
            var network = await ProvisioningNetwork.StartAsync(mutualTls: false, Cancelled);
            var provisioner = await network.ProvisionerAsync(Cancelled);
            provisioner.Secret = secret;
            var faults = new Dictionary<SimulatedFault, FaultShare> { [fault] = FaultShare.Count(1) };
            var fleet = await SimulatedFleet.StartAsync(Options(network, 1, protocol, faults, lossRate, slowDelay), Cancelled);
            await UntilAsync(() => provisioner.Events.Any(said => said.Kind == LifecycleKind.Startup));
            return new Stage(network, provisioner, fleet);
        }

        public static SimulatedFleetOptions Options(
            ProvisioningNetwork network,
            int nodes,
            FleetProtocol protocol,
            IReadOnlyDictionary<SimulatedFault, FaultShare> faults,
            double lossRate = 0.3,
            TimeSpan? slowDelay = null) => new()
        {
            Brokers = network.Unprovisioned.Url,
            Nodes = nodes,
            Protocol = protocol,
            Faults = faults,
            LossRate = lossRate,
            SlowDelay = slowDelay ?? TimeSpan.FromSeconds(3),
            RestartDelay = TimeSpan.FromMilliseconds(50),
            IssuerSeed = network.Issuer.ExportSeedHex(),
            SignerKeyPem = network.SignerKeyPem,
        };

        public Task<System.Text.Json.JsonElement> CallAsync(string agent, string action) =>
            Provisioner.CallAsync(Node.Identity, Node.Protocol, agent, action, Provisioner.Token());

        public async ValueTask DisposeAsync()
        {
            await Fleet.DisposeAsync();
            await Provisioner.DisposeAsync();
            await Network.DisposeAsync();
        }
    }
}
