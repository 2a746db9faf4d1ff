using System.Threading.Channels;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit.Stage;
using ControlPlane.X509;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Benchmarks.Enrol;

/// <summary>
/// The reference: the same exchanges with the same crypto, by a loop that keeps nothing. No grains, no storage, no streams, no order,
/// no second try; what it forgets when it ends is what the product exists for.
/// </summary>
internal sealed class RawEnrolment : IAsyncDisposable
{
    private const int WorkersCount = 128;

    private readonly Channel<string> found = Channel.CreateUnbounded<string>();
    private readonly CancellationTokenSource stopping = new();
    private readonly RawFleet fleet;
    private readonly CertificateProfile profile = new() { Issuers = ["raw"] };
    private readonly LocalCaIssuer issuer;
    private readonly OverlayOptions overlay;
    private readonly ProvisioningOptions options = new();
    private readonly Task[] running;
    private IssuerTrust? trust;

    public RawEnrolment(StageBrokers brokers, StageSecrets secrets, string authorityPath, string folder)
    {
        overlay = new OverlayOptions { Brokers = [brokers.Overlay.Url] };
        fleet = new RawFleet(brokers, secrets, authorityPath);
        issuer = new LocalCaIssuer(
            "raw",
            new LocalCaOptions
            {
                DataFolder = Path.Combine(folder, "raw-ca"),
                CertificatePath = authorityPath,
                KeyPath = Path.ChangeExtension(authorityPath, ".key"),
            },
            TimeProvider.System);
        running = [ListenAsync(), .. Enumerable.Range(0, WorkersCount).Select(_ => WorkAsync())];
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        found.Writer.TryComplete();
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await fleet.DisposeAsync();
        stopping.Dispose();
    }

    private async Task ListenAsync()
    {
        var subject = ChoriaSubjects.Lifecycle("startup", ChoriaSubjects.ProvisioningComponent);
        await foreach (var message in fleet.Provisioning.SubscribeAsync<byte[]>(subject, cancellationToken: stopping.Token))
        {
            if (LifecycleEvent.TryDecode(message.Data, out var started, out _))
            {
                found.Writer.TryWrite(started.Identity);
            }
        }
    }

    private async Task WorkAsync()
    {
        await foreach (var identity in found.Reader.ReadAllAsync(stopping.Token))
        {
            try
            {
                await EnrolAsync(identity, stopping.Token);
            }
            catch (NodeSilentException)
            {
                // A busy machine answers late; the product would wait and try again, the loop does so at once.
                found.Writer.TryWrite(identity);
            }
        }
    }

    private async Task EnrolAsync(string identity, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetUtcNow();
        var token = await fleet.Agent.FetchTokenAsync(identity, NodeProtocol.V1, cancellationToken);
        if (fleet.Attestor.Attest(token.Token, now) is not Attestation.Trusted)
        {
            throw new InvalidOperationException($"the token of {identity} is refused");
        }

        await fleet.Agent.FetchInventoryAsync(identity, NodeProtocol.V1, cancellationToken);
        var request = await fleet.Agent.MakeSigningRequestAsync(identity, NodeProtocol.V1, cancellationToken);
        var certificate = await CertifyAsync(identity, request, now, cancellationToken);
        var pending = new PendingCredentials
        {
            KeyedAt = now, SslDirectory = request.SslDirectory, Certificate = certificate.ToReference(),
        };
        var configuration = NodeSettings.Build(
            NodeSettings.Lines(identity, pending, overlay, options),
            pending,
            certificate,
            serverToken: "",
            overlay,
            new Dictionary<string, string>());
        await fleet.Agent.ConfigureAsync(identity, NodeProtocol.V1, configuration, cancellationToken);
        await fleet.Agent.RestartAsync(identity, NodeProtocol.V1, cancellationToken);
    }

    private async Task<IssuedCertificate> CertifyAsync(
        string identity, SigningRequestReply reply, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (SigningRequestCheck.Judge(reply.SigningRequestPem, identity, "bench", profile) is not SigningRequestVerdict.Accepted accepted)
        {
            throw new InvalidOperationException($"the signing request of {identity} is refused");
        }

        var order = CertificateOrderBuilder.Build($"{identity}/1", accepted.Request, "bench", profile, now);
        var signed = await issuer.IssueAsync(order, cancellationToken);
        trust ??= IssuerTrust.Build(await issuer.GetChainAsync(cancellationToken), [], now);
        var fields = CertificateFields.Read(signed.CertificateDer);
        var faults = IssuedCertificateCheck.Faults(order, fields, trust, issuer.Capabilities, now);
        if (faults.Count > 0)
        {
            throw new InvalidOperationException(string.Join(" and ", faults));
        }

        var pem = System.Security.Cryptography.PemEncoding.WriteString("CERTIFICATE", signed.CertificateDer) + "\n";
        return new IssuedCertificate(
            order.OrderId, "raw", Convert.ToHexString(fields.SerialNumber.Span), pem, trust.ChainPem, order.NotBefore, order.NotAfter, "");
    }
}

/// <summary>Our adapters for the wire, without a container.</summary>
internal sealed class RawFleet : IAsyncDisposable
{
    private readonly FleetConnections connections;
    private readonly RegionCaller caller;
    private readonly ReplyInboxes inboxes;

    public RawFleet(StageBrokers brokers, StageSecrets secrets, string authorityPath)
    {
        var fleet = Options.Create(new FleetOptions
        {
            SharedSecretFile = secrets.SharedSecretFile,
            ProvisioningTokenSignerFiles = [secrets.SignerPublicFile],
            Provisioning = new NetworkOptions
            {
                Urls = [brokers.Provisioning.Url],
                User = "provisioner",
                PasswordFile = secrets.ProvisionerPasswordFile,
                CaFile = authorityPath,
                Connections = 2,
            },
        });
        var overlays = new OverlaysOptions { Region = "raw", Local = "raw" };
        var secret = new SharedSecret(fleet);
        caller = new RegionCaller(fleet, Options.Create(overlays));
        connections = new FleetConnections(fleet, Options.Create(overlays), caller, TimeProvider.System, NullLoggerFactory.Instance);
        inboxes = new ReplyInboxes(
            connections, caller, new Loops(TimeProvider.System, NullLogger<Loops>.Instance), NullLogger<ReplyInboxes>.Instance);
        var calls = new NodeCalls(
            inboxes,
            caller,
            new ReplyTrust(fleet, Options.Create(new ProvisioningOptions())),
            new Contests(nodes: null!, TimeProvider.System, NullLogger<Contests>.Instance),
            TimeProvider.System);
        Agent = new ChoriaNodeAgent(calls, caller, secret, fleet, new FixedOptions<OverlaysOptions>(overlays));
        Attestor = new ProvisioningTokenAttestor(secret, fleet, Options.Create(new ProvisioningOptions()));
    }

    public INodeAgent Agent { get; }

    public INodeAttestor Attestor { get; }

    public NatsConnection Provisioning => connections.Of(FleetStreams.ProvisioningNetwork)[0];

    public async ValueTask DisposeAsync()
    {
        await inboxes.DisposeAsync();
        caller.Dispose();
        await connections.DisposeAsync();
    }

    private sealed class FixedOptions<T>(T value) : IOptionsMonitor<T>
    {
        public T CurrentValue => value;

        public T Get(string? name) => value;

        public IDisposable? OnChange(Action<T, string?> listener) => null;
    }
}
