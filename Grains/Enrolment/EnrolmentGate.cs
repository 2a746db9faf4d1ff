using System.Diagnostics;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Enrolment;

/// <summary>Bounds how many enrolments a silo runs at once: as many as the CA, the brokers and the store bear.</summary>
/// <remarks>
/// Two lanes, so that dead nodes cost no throughput: a node waits in the probe lane until it has answered once, and only then takes a
/// place among those that run. Thread-safe: grains of one silo share it.
/// </remarks>
internal sealed class EnrolmentGate : IDisposable
{
    /// <summary>
    /// How long a node waits here for its place before its roster slice calls others: it comes back with its age. Well below the five
    /// minutes that the slice waits for a call.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Lane probes;
    private readonly Lane enrolments;
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
        probes = new Lane(this.provisioning.ProbesMax, time);
        enrolments = new Lane(limit.Places, time);
        Arrivals = new ArrivalWindows(this.admission, this.provisioning.ArrivalDeadline, cache, time);
        meter = new AdmissionMeter(this);
    }

    public LaneLoad Probes => probes.Load;

    public LaneLoad Enrolments => enrolments.Load;

    /// <summary>Nodes that are on their way to their overlays.</summary>
    public ArrivalWindows Arrivals { get; }

    /// <summary>What operators and the brake let happen.</summary>
    public EnrolmentControls Controls => cache.Controls;

    /// <summary>An enrolled node came back to enrol without having been asked to: an event said so, or it was attested.</summary>
    public void NoteFall(string overlay, bool isAttested) => cache.Fell(overlay, isAttested);

    /// <summary>A node was told to wait for an overlay.</summary>
    public void NoteHeldBack(ControlMark mark) => meter.HeldBack(mark, Controls);

    public void Dispose() => meter.Dispose();

    private int PlacesMin => Math.Min(admission.EnrolmentsMin, provisioning.EnrolmentsMax);

    /// <summary>Waits until the node may be asked for the first time.</summary>
    public async Task<IDisposable> EnterProbeAsync(DateTimeOffset waitingSince, CancellationToken cancellationToken)
    {
        // A silo that has just started does not know yet what is paused.
        await cache.Known.WaitAsync(cancellationToken);
        return await probes.EnterAsync("", waitingSince, cancellationToken)
            ?? throw new UnreachableException("nobody is sent away from the probes");
    }

    /// <summary>Waits for a place among those that run.</summary>
    /// <returns>Null when its turn did not come in time: it is to come again, and keeps its age.</returns>
    public Task<IDisposable?> EnterAsync(EnrolmentFindings? findings, DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        enrolments.EnterAsync(FairnessGroup.Of(findings, admission.FairnessClaim), waitingSince, cancellationToken);

    /// <summary>Waits until enough nodes before this one have arrived in the overlay. Not to be waited for in a place.</summary>
    /// <returns>False when its turn did not come in time: it is to come again, and keeps its age.</returns>
    public Task<bool> EnterArrivalsAsync(
        string overlay, string identity, EnrolmentFindings? findings, DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        Arrivals.EnterAsync(
            overlay, FairnessGroup.Of(findings, admission.FairnessClaim), identity, waitingSince, cancellationToken);

    /// <summary>A node that was on its way is on no network; counted unless we may not have heard it.</summary>
    public void NoteMissing(string overlay, string identity, TimeSpan heardFor)
    {
        if (Arrivals.Missed(overlay, identity, heardFor))
        {
            meter.Missed(overlay);
        }
    }

    /// <summary>A step has ended.</summary>
    /// <param name="step">Which.</param>
    /// <param name="latency">How long it took.</param>
    /// <param name="hasFailed">Whether it failed because what it leans on did.</param>
    public void Felt(EnrolmentStep step, TimeSpan latency, bool hasFailed)
    {
        if (LoadWindow.Of(step) is { } dependency)
        {
            window.Add(dependency, latency, hasFailed);
        }
    }

    /// <summary>Judges the last window, and sends away who waited too long. Called once a second, by one caller.</summary>
    public void Adjust()
    {
        enrolments.SendAway(Patience);
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
