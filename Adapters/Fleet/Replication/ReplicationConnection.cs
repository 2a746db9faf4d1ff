using System.Text;
using ControlPlane.Adapters.Fleet.Brokers;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Fleet.Replication;

/// <summary>
/// One side of a link, for one try: a connection of its own, so that neither messages nor answers of another wait behind its.
/// </summary>
internal sealed class ReplicationConnection : IAsyncDisposable
{
    /// <summary>Hundreds of sites lose one centre at once, and are not to come back to it at once.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryJitter = TimeSpan.FromSeconds(5);

    /// <summary>A server that is away for longer ends the try.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly NatsConnection connection;

    private ReplicationConnection(NatsConnection connection) =>
        (this.connection, JetStream) = (connection, new NatsJSContext(connection));

    public NatsJSContext JetStream { get; }

    /// <summary>Logs in.</summary>
    /// <exception cref="BrokerLoginException">No broker let us in; the message says why.</exception>
    public static async Task<ReplicationConnection> OpenAsync(
        string name,
        BrokerLoginOptions login,
        Func<string, IReadOnlyList<NeededSubject>> needed,
        TimeProvider time,
        ILoggerFactory loggers,
        CancellationToken cancellationToken)
    {
        var inbox = FleetConnections.InboxPrefix(login);
        var connector = new BrokerConnector(
            name, login, new BrokerLogin(login, name, inbox), needed(inbox), time, loggers.CreateLogger<BrokerConnector>());
        var connection = new NatsConnection(FleetConnections.ClientOptions(name, connector, login, inbox, loggers) with
        {
            RetryOnInitialConnect = false,
            ReconnectWaitMin = RetryDelay,
            ReconnectWaitMax = RetryDelayMax,
            ReconnectJitter = RetryJitter,
            RequestTimeout = Patience,

            // Byte for byte, whatever producers put into headers.
            HeaderEncoding = Encoding.Latin1,
        });
        try
        {
            await connection.ConnectAsync().AsTask().WaitAsync(cancellationToken);
            return new ReplicationConnection(connection);
        }
        catch (Exception refused)
        {
            await connection.DisposeAsync();
            throw NatsFault.Is(refused)
                ? new BrokerLoginException($"{name}: {connector.Fault?.Reason ?? refused.Message}", refused)
                : refused;
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
