using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.TestKit.Stage;
using NATS.Client.Core;

namespace ControlPlane.Chaos;

/// <summary>
/// A machine on the provisioning network that answers for others, speaks in their names and in invented ones. It holds what every
/// unprovisioned machine holds, and nothing else.
/// </summary>
internal sealed class HostileMachine : IAsyncDisposable
{
    private const int IdentityCharactersMax = 4096;

    private readonly NatsConnection connection;
    private readonly INatsSub<byte[]> requests;
    private readonly Task answering;
    private readonly TimeProvider time;

    private HostileMachine(NatsConnection connection, INatsSub<byte[]> requests, TimeProvider time)
    {
        this.connection = connection;
        this.requests = requests;
        this.time = time;
        answering = AnswerAsync();
    }

    /// <summary>How many requests to others it has answered.</summary>
    public int Answered { get; private set; }

    /// <summary>Connects, and answers all requests for keys from then on.</summary>
    public static async Task<HostileMachine> StartAsync(EnrolmentStage stage, TimeProvider time, CancellationToken cancellationToken)
    {
        var connection = new NatsConnection(NatsOpts.Default with
        {
            Url = stage.Brokers.Provisioning.Url,
            AuthOpts = new NatsAuthOpts
            {
                Username = "unprovisioned",
                Password = await File.ReadAllTextAsync(stage.Secrets.UnprovisionedPasswordFile, cancellationToken),
            },
            TlsOpts = new NatsTlsOpts { Mode = TlsMode.Require, CaFile = stage.AuthorityPath },
        });
        var requests = await connection.SubscribeCoreAsync<byte[]>(
            ChoriaSubjects.Node(ChoriaSubjects.ProvisioningCollective, ">"), cancellationToken: cancellationToken);
        await connection.PingAsync(cancellationToken);
        return new HostileMachine(connection, requests, time);
    }

    /// <summary>Says that nodes start and end, and invents some that do not exist, one of them with a very long name.</summary>
    public async Task SpeakAsync(IEnumerable<string> others, int invented, CancellationToken cancellationToken)
    {
        foreach (var identity in others)
        {
            await PublishAsync(LifecycleKind.Shutdown, identity, cancellationToken);
            await PublishAsync(LifecycleKind.Startup, identity, cancellationToken);
        }

        var run = RandomNumberGenerator.GetHexString(8, lowercase: true);
        for (var number = 0; number < invented; number++)
        {
            await PublishAsync(LifecycleKind.Startup, $"invented{number}-{run}.example.net", cancellationToken);
        }

        await PublishAsync(LifecycleKind.Startup, new string('x', IdentityCharactersMax), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await requests.DisposeAsync();
        await answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await connection.DisposeAsync();
    }

    private async Task AnswerAsync()
    {
        await foreach (var message in requests.Msgs.ReadAllAsync())
        {
            if (ChoriaEnvelope.TryDecodeRequest(message.Data!, out var received, out _)
                && RpcRequest.TryDecode(received.Request.Body, out var call, out _)
                && message.Subject.Split('.', 3) is [_, _, var identity]
                && AnswerTo(call, identity) is { } body)
            {
                var reply = ChoriaReply.To(received.Request, identity, time.GetUtcNow(), body);
                await connection.PublishAsync(
                    received.Headers.ReplySubject!, ChoriaEnvelope.EncodeReply(reply, received.Headers.ForReply(identity)));
                Answered++;
            }
        }
    }

    private static byte[]? AnswerTo(RpcRequest call, string identity)
    {
        if (call.Action == ProvisionAgent.Gencsr.Name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={identity}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
            return ProvisionAgent.Gencsr.EncodeReply(new GencsrOutput(request, key.ExportSubjectPublicKeyInfoPem(), "/etc/choria/ssl"));
        }

        if (ProvisionAgent.Gen25519.TryReadInput(call, out var input, out _) && call.Action == ProvisionAgent.Gen25519.Name)
        {
            using var key = Ed25519Key.FromSeedHex(RandomNumberGenerator.GetHexString(64, lowercase: true));
            var signature = key.SignHex(System.Text.Encoding.UTF8.GetBytes(input.Nonce));
            return ProvisionAgent.Gen25519.EncodeReply(new Gen25519Output(key.PublicKeyHex, "/etc/choria", signature));
        }

        return null;
    }

    private async Task PublishAsync(LifecycleKind kind, string identity, CancellationToken cancellationToken)
    {
        var said = new LifecycleEvent
        {
            Kind = kind,
            Id = RandomNumberGenerator.GetHexString(32, lowercase: true),
            Identity = identity,
            Component = ChoriaSubjects.ProvisioningComponent,
            UnixSeconds = time.GetUtcNow().ToUnixTimeSeconds(),
            Version = "0.30.2",
        };
        await connection.PublishAsync(said.Subject, said.EncodeCloudEvent(), cancellationToken: cancellationToken);
    }
}
