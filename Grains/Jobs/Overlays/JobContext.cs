using ControlPlane.Flow;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Jobs;

/// <summary>What all jobs of a silo share.</summary>
internal sealed class JobContext : IDisposable
{
    /// <summary>Sends at once; each is a batch of targets.</summary>
    private const int GatePlaces = 4;

    private const int GateWaitingMax = 100_000;

    /// <summary>In half minutes of waiting: an hour.</summary>
    private const int EmergencyPriority = 120;

    private static readonly TimeSpan GateRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CheckPatience = TimeSpan.FromSeconds(20);

    private readonly IOptionsMonitor<OverlaysOptions> overlays;
    private readonly IOptionsMonitor<JobsOptions> options;

    public JobContext(
        IOptionsMonitor<JobsOptions> options,
        IOptionsMonitor<OverlaysOptions> overlays,
        INodeRpc rpc,
        IGrainFactory grains,
        JobResultLog results,
        JobDiscovery discovery,
        JobMeter meter,
        Loops loops,
        TimeProvider time)
    {
        (this.options, this.overlays, Rpc, Grains, Results, Discovery, Meter, Loops, Time) =
            (options, overlays, rpc, grains, results, discovery, meter, loops, time);
        Gate = new Gate(new GateBounds("batches of requests", "the sending of jobs", GatePlaces, GateWaitingMax, GateRetry), time);
    }

    public INodeRpc Rpc { get; }

    /// <summary>The grains of this site.</summary>
    public IGrainFactory Grains { get; }

    public JobResultLog Results { get; }

    public JobDiscovery Discovery { get; }

    public JobMeter Meter { get; }

    public Loops Loops { get; }

    public TimeProvider Time { get; }

    public JobsOptions Options => options.CurrentValue;

    /// <summary>All jobs of the silo take turns here, so that a large one does not keep a small one waiting.</summary>
    public Gate Gate { get; }

    /// <summary>What waits are spread by.</summary>
    public Random Jitter { get; } = new();

    public DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>Ends the check of a specification that takes too long, since a registry of DDLs may be asked.</summary>
    public CancellationTokenSource BeginCheck() => new(CheckPatience, Time);

    /// <summary>Jobs take turns, however many overlays each has here; the parts of an emergency do not wait for each other.</summary>
    public static GateTicket TicketOf(OverlayJobOrder order) => order.Spec.Priority == JobPriority.Emergency
        ? new GateTicket($"{order.Job}@{order.Overlay}", Priority: EmergencyPriority)
        : new GateTicket(order.Job);

    /// <summary>How many targets a job sends to when it is its turn.</summary>
    public int SendMax => Math.Max(1, Options.SendsAtOnce / GatePlaces);

    /// <summary>The time zone of an overlay; null when it names none.</summary>
    public string? ZoneOf(string overlay) =>
        overlays.CurrentValue.Members.GetValueOrDefault(overlay)?.Labels.GetValueOrDefault(WindowCheck.ZoneLabel);

    public void Dispose() => Gate.Dispose();
}
