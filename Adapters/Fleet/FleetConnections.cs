using ControlPlane.Adapters.Choria;
using ControlPlane.Fleet;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The silo's connections to the provisioning network and the overlays: a fixed number, whatever the fleet's size.</summary>
internal sealed class FleetConnections : IAsyncDisposable
{
    private const int PendingMessagesMax = 65_536;

    // Any will do: brokers grant a caller's own inbox below every collective.
    private const string InboxCollective = "choria";

    private readonly Dictionary<string, NatsConnection[]> networks = new(StringComparer.Ordinal);

    public FleetConnections(IOptions<FleetOptions> options, ILoggerFactory loggers)
    {
        networks[FleetStreams.ProvisioningNetwork] = Connect(FleetStreams.ProvisioningNetwork, options.Value.Provisioning, loggers);
        foreach (var (overlay, network) in options.Value.Overlays)
        {
            networks[overlay] = Connect(overlay, network, loggers);
        }
    }

    /// <summary>The connections of a network; empty when there are no settings for it.</summary>
    public IReadOnlyList<NatsConnection> Of(string network) => networks.GetValueOrDefault(network) ?? [];

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in networks.Values.SelectMany(connections => connections))
        {
            await connection.DisposeAsync();
        }
    }

    private static NatsConnection[] Connect(string name, NetworkOptions network, ILoggerFactory loggers) =>
        [
            .. Enumerable.Range(0, network.Connections)
                .Select(number => new NatsConnection(Options($"controlplane-{name}-{number}", network, loggers)))
        ];

    private static NatsOpts Options(string name, NetworkOptions network, ILoggerFactory loggers) => NatsOpts.Default with
    {
        Url = string.Join(',', network.Urls),
        Name = name,
        LoggerFactory = loggers,
        AuthOpts = Authentication(network),
        TlsOpts = network.Tls
            ? new NatsTlsOpts
            {
                Mode = TlsMode.Require, CaFile = network.CaFile, CertFile = network.CertificateFile, KeyFile = network.KeyFile
            }
            : NatsTlsOpts.Default,
        MaxReconnectRetry = -1,
        InboxPrefix = InboxPrefix(network),
        SubPendingChannelCapacity = PendingMessagesMax,
    };

    // Choria's brokers let a client read no inbox but its own, named after its caller id; JetStream's answers come there as well.
    private static string InboxPrefix(NetworkOptions network) =>
        network.TokenFile is { } file && ChoriaToken.TryReadUnverified(SecretFile.Read(file), out ClientClaims? claims, out _)
            ? ChoriaSubjects.ReplyPrefix(InboxCollective, claims.CallerId)
            : NatsOpts.Default.InboxPrefix;

    // Choria's brokers read the token from both fields, and check the nonce's signature by the key that the token names.
    private static NatsAuthOpts Authentication(NetworkOptions network)
    {
        var token = SecretFile.ReadOrNull(network.TokenFile);
        return new NatsAuthOpts
        {
            Username = network.User,
            Password = SecretFile.ReadOrNull(network.PasswordFile),
            Token = token,
            Jwt = token,
            Seed = network.SeedFile is { } seed ? NkeySeed.OfEd25519(SecretFile.ReadHex(seed)) : null,
        };
    }
}
