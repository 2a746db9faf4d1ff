using ControlPlane.Flow;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>Makes the connections of one NATS client, again and again, and knows why there is none.</summary>
internal sealed partial class BrokerConnector(
    string network, BrokerLoginOptions options, BrokerLogin login, IReadOnlyList<NeededSubject> needed, TimeProvider time, ILogger logger)
    : INatsSocketConnectionFactory
{
    /// <summary>Between two lines of one reason.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMinutes(10);

    /// <summary>Different reasons within that time: as many as a network has brokers, more or less.</summary>
    private const int ReasonsMax = 8;

    private readonly Lock gate = new();
    private readonly RepeatPace told = new(Pace, ReasonsMax, time);
    private string? lastConfiguredHost;
    private BrokerFault? fault;
    private long connectedAt;

    /// <summary>How long ago the last connection was made.</summary>
    public TimeSpan HeldFor => time.GetElapsedTime(Volatile.Read(ref connectedAt));

    /// <summary>Why there has been no connection, and since when; null while there is one.</summary>
    public BrokerFault? Fault
    {
        get
        {
            lock (gate)
            {
                return fault;
            }
        }
    }

    /// <summary>What the login may not do although something needs it, in words; the connection is of use without.</summary>
    public IReadOnlyList<NeededSubject> Missing { get; private set; } = [];

    public async ValueTask<INatsSocketConnection> ConnectAsync(Uri uri, NatsOpts opts, CancellationToken cancellationToken)
    {
        try
        {
            var session = await OpenAsync(uri, cancellationToken);
            Succeed(uri, session.Permissions);
            return new BrokerSocket(session.Stream, session.Unread);
        }
        catch (BrokerLoginException refused)
        {
            Fail($"{uri.Host}:{BrokerTls.PortOf(uri)}: {refused.Message}");
            throw;
        }
        catch (OperationCanceledException)
        {
            Fail($"{uri.Host}:{BrokerTls.PortOf(uri)}: no answer within {opts.ConnectTimeout.TotalSeconds:0} s");
            throw;
        }
    }

    private async Task<BrokerSession> OpenAsync(Uri uri, CancellationToken cancellationToken)
    {
        var session = await login.OpenAsync(uri, BrokerTls.HostOf(uri, options.Urls, lastConfiguredHost), cancellationToken);
        var missing = session.Permissions.Missing(needed);
        if (missing.Any(one => one.IsVital))
        {
            await session.Stream.DisposeAsync();
            throw new BrokerLoginException(
                $"the broker let us in, and does not permit what the silo needs there: {NeededSubjects.Describe(missing)}");
        }

        Missing = missing;
        return session;
    }

    private void Succeed(Uri uri, BrokerPermissions permissions)
    {
        BrokerFault? ended;
        lock (gate)
        {
            if (BrokerTls.IsConfigured(uri, options.Urls))
            {
                lastConfiguredHost = uri.Host;
            }

            (ended, fault) = (fault, null);
            told.Clear();
            Volatile.Write(ref connectedAt, time.GetTimestamp());
        }

        if (ended is not null)
        {
            LogBack(network, uri.Host, time.GetUtcNow() - ended.Since);
        }

        if (Missing.Count > 0)
        {
            LogMissing(network, NeededSubjects.Describe(Missing));
        }

        LogConnected(network, uri.Host, permissions.Account ?? "(not told)");
    }

    private void Fail(string reason)
    {
        TimeSpan away;
        bool isTold;
        lock (gate)
        {
            fault = new BrokerFault(reason, fault?.Since ?? time.GetUtcNow());
            away = time.GetUtcNow() - fault.Since;
            isTold = told.Admits(reason);
        }

        // Tried again every few seconds for as long as the silo runs; between two lines, the silo's health says it.
        if (isTold && away < Pace)
        {
            LogRefused(network, reason);
        }
        else if (isTold)
        {
            LogStillRefused(network, away, reason);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Not connected to the network {Network}; tried again until it is: {Reason}")]
    private partial void LogRefused(string network, string reason);

    [LoggerMessage(LogLevel.Warning, "Not connected to the network {Network} for {Duration}; tried again until it is: {Reason}")]
    private partial void LogStillRefused(string network, TimeSpan duration, string reason);

    [LoggerMessage(LogLevel.Information, "Connected to the network {Network} at {Broker} again after {Duration}")]
    private partial void LogBack(string network, string broker, TimeSpan duration);

    [LoggerMessage(LogLevel.Debug, "Connected to the network {Network} at {Broker}, in the account {Account}")]
    private partial void LogConnected(string network, string broker, string account);

    [LoggerMessage(LogLevel.Warning, "The brokers of the network {Network} do not permit all that is configured: {Missing}")]
    private partial void LogMissing(string network, string missing);
}

/// <param name="Reason">Why there is no connection.</param>
/// <param name="Since">Since when there has been none.</param>
internal sealed record BrokerFault(string Reason, DateTimeOffset Since);
