using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>Decides the log-ins at the brokers of <c>Access:Brokers</c>, for as long as the silo runs. Does nothing without one.</summary>
internal sealed partial class BrokerAccess(
    IOptions<AccessBrokersOptions> options,
    IOptions<FleetOptions> fleet,
    IOptions<ProvisioningOptions> provisioning,
    IOptions<NodeProofOptions> proof,
    NodeSessions sessions,
    LogInMeter meter,
    NodeReports nodes,
    INodeChangeFeed changes,
    TimeProvider time,
    Loops loops,
    ILoggerFactory loggers) : BackgroundService
{
    private const int BatchesMax = 16;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private readonly ILogger logger = loggers.CreateLogger<BrokerAccess>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Networks.Count == 0)
        {
            return;
        }

        using var keys = new CalloutKeys(
            SecretFile.Read(options.Value.IssuerSeedFile), SecretFile.ReadOrNull(options.Value.XKeySeedFile));
        LogBegun(string.Join(", ", options.Value.Networks.Keys), keys.Issuer, keys.XKey ?? "(none)");
        var connections = options.Value.Networks.ToDictionary(network => network.Key, network => Connect(network.Key, network.Value));
        var brokers = connections.ToDictionary(network => network.Key, network => new BrokerMonitor(network.Key, network.Value));
        var judge = new LogInJudge(LogInSettings.Of(options.Value, fleet.Value, provisioning.Value), proof.Value.IdentityClaim);
        var authority = new LogInAuthority(
            judge, sessions, brokers, nodes, options.Value, meter, time, loggers.CreateLogger<LogInAuthority>());
        var running = new List<Task>
        {
            KeepOnAsync("changes", token => FollowChangesAsync(authority, token), stoppingToken),
            KeepOnAsync("unchecked nodes", authority.CheckAgainAsync, stoppingToken),
        };
        foreach (var (network, connection) in connections)
        {
            var responder = new CalloutResponder(
                connection, keys, authority, meter, options.Value.DecisionsMax, time, loggers.CreateLogger<CalloutResponder>());
            var watch = new SessionWatch(connection, brokers[network], sessions, authority);
            running.Add(KeepOnAsync(network, responder.RunAsync, stoppingToken));
            running.Add(KeepOnAsync(network, watch.FollowAsync, stoppingToken));
            running.Add(loops.RunAsync(
                $"connections at brokers: {network}", SessionWatch.Period, isDueAtOnce: true, watch.ListAsync, stoppingToken));
        }

        await Task.WhenAll(running);
        foreach (var connection in connections.Values)
        {
            await connection.DisposeAsync();
        }
    }

    private NatsConnection Connect(string network, BrokerLoginOptions login)
    {
        var name = $"controlplane-access-{network}";
        var connector = new BrokerConnector(
            name,
            login,
            new BrokerLogin(login, name, NatsOpts.Default.InboxPrefix),
            NeededSubjects.OfAccess,
            time,
            loggers.CreateLogger<BrokerConnector>());
        return new NatsConnection(FleetConnections.ClientOptions(name, connector, login, NatsOpts.Default.InboxPrefix, loggers));
    }

    private async Task FollowChangesAsync(LogInAuthority authority, CancellationToken cancellationToken)
    {
        ulong? position = null;
        while (true)
        {
            var read = await changes.ReadAsync(position, BatchesMax, cancellationToken);
            if (read is FeedRead.Changes { Batches: var batches })
            {
                foreach (var change in batches.SelectMany(batch => batch.Changes))
                {
                    await authority.EndSupersededAsync(change.Node.Identity, cancellationToken);
                }
            }

            position = read switch
            {
                FeedRead.Changes next => next.Position,
                FeedRead.TooOld old => old.Position,
                _ => position,
            };
        }
    }

    private Task KeepOnAsync(string what, Func<CancellationToken, Task> loop, CancellationToken stoppingToken) =>
        loops.RunAsync($"log-ins at brokers: {what}", RetryDelay, isDueAtOnce: true, loop, stoppingToken);

    [LoggerMessage(
        LogLevel.Information, "Deciding log-ins at the brokers of {Networks}; their auth_callout has the issuer {Issuer} and the xkey {XKey}")]
    private partial void LogBegun(string networks, string issuer, string xKey);
}
