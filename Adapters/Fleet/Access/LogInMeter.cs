using System.Diagnostics.Metrics;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>What is counted of log-ins at brokers; <c>docs/METRICS.md</c> describes it.</summary>
internal sealed class LogInMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.BrokerAccess");
    private readonly Counter<long> admitted;
    private readonly Counter<long> refused;
    private readonly Counter<long> unchecked_;
    private readonly Counter<long> ended;

    public LogInMeter(NodeSessions sessions)
    {
        admitted = meter.CreateCounter<long>("controlplane.brokers.admitted", "{login}", "Log-ins that were let in, by who it was.");
        refused = meter.CreateCounter<long>("controlplane.brokers.refused", "{login}", "Log-ins that were refused, by the reason.");
        unchecked_ = meter.CreateCounter<long>(
            "controlplane.brokers.unchecked", "{login}", "Nodes that were let in by their credentials alone.");
        ended = meter.CreateCounter<long>("controlplane.brokers.ended", "{connection}", "Connections that were ended, by the reason.");
        meter.CreateObservableGauge(
            "controlplane.brokers.connections", () => sessions.Count, "{connection}", "Connections of nodes that this silo knows of.");
    }

    public void Admitted(string party) => admitted.Add(1, new KeyValuePair<string, object?>("party", party));

    public void Refused(LogInFault fault) => refused.Add(1, Reason(fault));

    public void Unchecked() => unchecked_.Add(1);

    public void Ended(LogInFault fault) => ended.Add(1, Reason(fault));

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Reason(LogInFault fault) => new("reason", fault switch
    {
        LogInFault.Credentials => "credentials",
        LogInFault.Name => "name",
        LogInFault.Contested => "contested",
        LogInFault.Superseded => "superseded",
        LogInFault.UnknownNode => "unknown_node",
        _ => "unreadable",
    });
}

/// <summary>Why a connection is not let in, or ended.</summary>
internal enum LogInFault
{
    /// <summary>The server's question cannot be read or believed.</summary>
    Unreadable = 1,

    /// <summary>It shows nothing that lets it in.</summary>
    Credentials = 2,

    /// <summary>It has no name that a node may have, or another than its token.</summary>
    Name = 3,

    /// <summary>Somebody else is connected in that name.</summary>
    Contested = 4,

    /// <summary>The node has other credentials now, or has left the fleet.</summary>
    Superseded = 5,

    /// <summary>No node of that name has enrolled here.</summary>
    UnknownNode = 6,
}
