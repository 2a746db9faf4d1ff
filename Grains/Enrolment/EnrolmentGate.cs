using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Enrolment;

/// <summary>Bounds how many enrolments a silo runs at once: as many as the CA, the brokers and the store bear.</summary>
/// <remarks>
/// Two gates, so that dead nodes cost no throughput: a node waits at that of probes until it has answered once, and only then takes a
/// place among those that run. Thread-safe: grains of one silo share it.
/// </remarks>
internal sealed class EnrolmentGate : IDisposable
{
    /// <summary>Nodes that wait at one gate: five times those of a large overlay. A slice calls again for those beyond it.</summary>
    private const int WaitingMax = 100_000;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly Gate probes;
    private readonly Gate enrolments;
    private readonly LoadWindow window = new();
    private readonly ProvisioningOptions provisioning;
    private readonly AdmissionOptions admission;
    private readonly ControlCache cache;
    private readonly AdmissionMeter meter;
    private ConcurrencyLimit limit;

    public EnrolmentGate(
        IOptions<ProvisioningOptions> provisioning, IOptions<AdmissionOptions> admission, ControlCache cache, TimeProvider time)
    {
        this.provisioning = provisioning.Value;
        this.admission = admission.Value;
        this.cache = cache;
        limit = ConcurrencyLimit.Start(PlacesMin, this.provisioning.EnrolmentsMax);
        probes = new Gate(Bounds("probing", this.provisioning.ProbesMax), time);
        enrolments = new Gate(Bounds("enrolling", limit.Places), time);
        Arrivals = new ArrivalWindows(this.admission, this.provisioning.ArrivalDeadline, cache, time);
        meter = new AdmissionMeter(this);
    }

    public GateLoad Probes => probes.Load;

    public GateLoad Enrolments => enrolments.Load;

    /// <summary>Nodes that are on their way to their overlays.</summary>
    public ArrivalWindows Arrivals { get; }

    /// <summary>What operators and the brake let happen.</summary>
    public EnrolmentControls Controls => cache.Controls;

    /// <summary>Whether the controls were read since the silo started.</summary>
    public bool AreControlsKnown => cache.Known.IsCompleted;

    /// <summary>An enrolled node came back to enrol without having been asked to: an event said so, or it was attested.</summary>
    public void NoteFall(string overlay, bool isAttested) => cache.Fell(overlay, isAttested);

    /// <summary>A node was told to wait for an overlay.</summary>
    public void NoteHeldBack(ControlMark mark) => meter.HeldBack(mark, Controls);

    /// <summary>A gate for nodes of this silo.</summary>
    public static GateBounds Bounds(string what, int places) => new("nodes", what, places, WaitingMax, RetryAfter);

    public void Dispose()
    {
        meter.Dispose();
        probes.Dispose();
        enrolments.Dispose();
        Arrivals.Dispose();
    }

    private int PlacesMin => Math.Min(admission.EnrolmentsMin, provisioning.EnrolmentsMax);

    /// <summary>Waits until the node may be asked for the first time.</summary>
    public async Task<IDisposable> EnterProbeAsync(DateTimeOffset waitingSince, CancellationToken cancellationToken)
    {
        // A silo that has just started does not know yet what is paused.
        await cache.Known.WaitAsync(cancellationToken);
        return (await probes.EnterAsync(new GateTicket(Since: waitingSince), cancellationToken)).Place;
    }

    /// <summary>Waits for a place among those that run.</summary>
    public async Task<IDisposable> EnterAsync(string group, DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        (await enrolments.EnterAsync(new GateTicket(group, waitingSince), cancellationToken)).Place;

    /// <summary>The group in which a node waits.</summary>
    public string GroupOf(EnrolmentFindings? findings) => FairnessGroup.Of(findings, admission.FairnessClaim);

    /// <summary>Takes note of what a step tells of the node's way, and of what it leans on.</summary>
    public void Record(StepOutcome outcome)
    {
        if (outcome.Load is { } load)
        {
            window.Add(load.Dependency, load.Latency, load.HasFailed);
        }

        var (identity, overlay) = (outcome.Entry.Identity, outcome.Entry.Overlay ?? "");
        switch (outcome.Passage)
        {
            case Passage.Restarted:
                Arrivals.Restarted(overlay, identity);
                break;

            case Passage.Arrived:
                Arrivals.Arrived(overlay, identity);
                break;

            // Counted unless we may not have heard it.
            case Passage.Missing when Arrivals.Missed(overlay, identity, outcome.UnheardFor):
                meter.Missed(overlay);
                break;
        }
    }

    /// <summary>Judges the last window. Called once a second, by one caller.</summary>
    public void Adjust()
    {
        Arrivals.Tend();
        if (window.Take() is { } load)
        {
            var standing = enrolments.Load;
            limit = limit.After(
                load, standing.Running >= standing.Limit, PlacesMin, provisioning.EnrolmentsMax, admission.StepLatencyMax);
            enrolments.LimitTo(limit.Places);
        }
    }
}
