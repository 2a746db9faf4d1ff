using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The silo's connections to the provisioning network and to overlays: a fixed number, whatever the fleet's size.</summary>
/// <remarks>
/// Each is tried for as long as the silo runs, whatever the broker says; who uses one meanwhile waits, within its own time limit.
/// </remarks>
internal sealed class FleetConnections : IAsyncDisposable
{
    private const int PendingMessagesMax = 65_536;

    // Any will do: brokers grant a caller's own inbox below every collective.
    private const string InboxCollective = "choria";

    /// <summary>TCP, TLS, the login and what it may do, on a machine that is busy.</summary>
    private static readonly TimeSpan LoginTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A broker that lives answers within milliseconds.</summary>
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Between two tries, doubled by each further one: soon after a broker's restart, and calm while a login is refused.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, NatsConnection[]> networks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BrokerConnector[]> connectors = new(StringComparer.Ordinal);
    private readonly HashSet<string> ofNodes;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;

    public FleetConnections(
        IOptions<FleetOptions> options, IOptions<OverlaysOptions> overlays, RegionCaller caller, TimeProvider time, ILoggerFactory loggers)
    {
        (this.loggers, this.time) = (loggers, time);
        ofNodes = [.. options.Value.NodeNetworks(overlays.Value).Select(network => network.Key)];
        foreach (var (name, network) in options.Value.Networks())
        {
            var inbox = InboxPrefix(network);
            var needed = NeededSubjects.Of(name, options.Value, overlays.Value, caller.Id, inbox);
            connectors[name] =
                [.. Enumerable.Range(0, network.Connections).Select(number => Connector(name, number, network, inbox, needed))];
            networks[name] =
                [.. connectors[name].Select(connector => new NatsConnection(ClientOptions(name, connector, network, inbox, loggers)))];
        }
    }

    /// <summary>The connections of a network; empty when there are no settings for it.</summary>
    public IReadOnlyList<NatsConnection> Of(string network) => networks.GetValueOrDefault(network) ?? [];

    /// <summary>The connections over which nodes of a network are called; empty for a link to another site.</summary>
    public IReadOnlyList<NatsConnection> OfNodes(string network) => ofNodes.Contains(network) ? Of(network) : [];

    /// <summary>Why connections of a network have not been there, each with its begin.</summary>
    public IEnumerable<BrokerFault> FaultsOf(string network) => ConnectorsOf(network).Select(one => one.Fault).OfType<BrokerFault>();

    /// <summary>What brokers of a network do not permit, although something that is configured needs it.</summary>
    public IReadOnlyList<NeededSubject> MissingOf(string network) => [.. ConnectorsOf(network).SelectMany(one => one.Missing).Distinct()];

    /// <summary>
    /// For how long nodes of a network could be heard without a break; zero while a connection is away, or there is none for them.
    /// </summary>
    public async Task<TimeSpan> HeardForAsync(string network, CancellationToken cancellationToken)
    {
        var held = await Task.WhenAll(OfNodes(network).Zip(
            ConnectorsOf(network), (connection, connector) => HeldForAsync(connection, connector, cancellationToken)));
        return held.DefaultIfEmpty().Min();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in networks.Values.SelectMany(connections => connections))
        {
            await connection.DisposeAsync();
        }
    }

    // One whose broker is frozen, or cut off, looks as if it were there until its next heartbeat.
    private async Task<TimeSpan> HeldForAsync(NatsConnection connection, BrokerConnector connector, CancellationToken cancellationToken)
    {
        if (connection.ConnectionState != NatsConnectionState.Open)
        {
            return TimeSpan.Zero;
        }

        try
        {
            await connection.PingAsync(cancellationToken).AsTask().WaitAsync(PingTimeout, time, cancellationToken);
            return connector.HeldFor;
        }
        catch (Exception away) when (away is TimeoutException or NatsException)
        {
            return TimeSpan.Zero;
        }
    }

    private BrokerConnector[] ConnectorsOf(string network) => connectors.GetValueOrDefault(network) ?? [];

    private BrokerConnector Connector(
        string network, int number, NetworkOptions options, string inbox, IReadOnlyList<NeededSubject> needed) => new(
            network,
            options,
            new BrokerLogin(options, $"controlplane-{network}-{number}", inbox),
            needed,
            time,
            loggers.CreateLogger<BrokerConnector>());

    // No credentials and no TLS for the client library: the connector's connections are logged in.
    public static NatsOpts ClientOptions(
        string name, BrokerConnector connector, BrokerLoginOptions options, string inbox, ILoggerFactory loggers) => NatsOpts.Default with
    {
        Url = string.Join(',', options.Urls),
        Name = name,
        LoggerFactory = new ClientLog(loggers),
        SocketConnectionFactory = connector,
        ConnectTimeout = LoginTimeout,
        RetryOnInitialConnect = true,
        ReconnectWaitMin = RetryDelay,
        ReconnectWaitMax = RetryDelayMax,
        MaxReconnectRetry = -1,
        InboxPrefix = inbox,
        SubPendingChannelCapacity = PendingMessagesMax,
    };

    /// <summary>Where answers come.</summary>
    /// <remarks>
    /// Choria's brokers let a client read no inbox but its own, named after its caller id; JetStream's answers come there as well.
    /// </remarks>
    public static string InboxPrefix(BrokerLoginOptions network) =>
        network.TokenFile is { } file && ChoriaToken.TryReadUnverified(SecretFile.Read(file), out ClientClaims? claims, out _)
            ? ChoriaSubjects.ReplyPrefix(InboxCollective, claims.CallerId)
            : NatsOpts.Default.InboxPrefix;
}
