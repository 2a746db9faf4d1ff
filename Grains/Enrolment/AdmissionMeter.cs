using System.Diagnostics.Metrics;
using ControlPlane.Flow;

namespace ControlPlane.Enrolment;

/// <summary>What is counted at the gate; <c>docs/METRICS.md</c> describes each.</summary>
internal sealed class AdmissionMeter : IDisposable
{
    public const string Name = "ControlPlane.Enrolment";

    private readonly Meter meter = new(Name);
    private readonly Counter<long> heldBack;
    private readonly Counter<long> missed;

    public AdmissionMeter(EnrolmentGate gate)
    {
        heldBack = meter.CreateCounter<long>(
            "controlplane.admission.held_back", "{node}", "Nodes that were told to wait, by overlay and cause.");
        missed = meter.CreateCounter<long>(
            "controlplane.admission.arrivals.missed", "{node}", "Nodes that were configured and did not arrive, by overlay.");
        meter.CreateObservableGauge(
            "controlplane.admission.arrivals.awaited", () =>
                Each(gate, load => load.Running), "{node}", "Nodes that were let go to be configured and have not arrived.");
        meter.CreateObservableGauge(
            "controlplane.admission.arrivals.limit", () =>
                Each(gate, load => load.Limit), "{node}", "How many of those there may be now.");
        meter.CreateObservableGauge(
            "controlplane.admission.arrivals.waiting", () =>
                Each(gate, load => load.Waiting), "{node}", "Nodes that wait until others have arrived.");
        meter.CreateObservableGauge(
            "controlplane.admission.limit", () => gate.Enrolments.Limit, "{node}", "Enrolments that may run at once now.");
        meter.CreateObservableGauge(
            "controlplane.admission.groups", () => gate.Enrolments.Groups, "{group}", "Groups that share the places now.");
        meter.CreateObservableGauge(
            "controlplane.admission.probes.running", () => gate.Probes.Running, "{node}", "Nodes whose first answer is awaited.");
        meter.CreateObservableGauge(
            "controlplane.admission.probes.waiting", () => gate.Probes.Waiting, "{node}", "Nodes that wait to be asked first.");
        meter.CreateObservableGauge(
            "controlplane.admission.paused", () =>
                Each(gate, control => control.Pause is null ? 0 : 1), "1", "1 while an operator has paused the overlay.");
        meter.CreateObservableGauge(
            "controlplane.admission.braked", () => Each(gate, control => control.Brake is null ? 0 : 1), "1", "1 while the brake is on.");
        meter.CreateObservableGauge(
            "controlplane.admission.rate_limit", () =>
                Each(gate, control => control.Limit?.PerMinute ?? 0), "{node}/min", "The operator's limit; 0 without.");
    }

    /// <summary>A node was told to wait.</summary>
    public void HeldBack(ControlMark mark, EnrolmentControls controls)
    {
        var cause = controls.Find(mark.Overlay) switch
        {
            { Pause: not null } => "paused",
            { Brake: not null } => "braked",
            { Limit: not null } => "limited",
            _ => "elsewhere",
        };
        heldBack.Add(1, new("overlay", controls.Find(mark.Overlay) is null ? "any" : mark.Overlay), new("cause", cause));
    }

    /// <summary>A node was configured and did not arrive.</summary>
    public void Missed(string overlay) => missed.Add(1, new KeyValuePair<string, object?>("overlay", overlay));

    public void Dispose() => meter.Dispose();

    private static IEnumerable<Measurement<int>> Each(EnrolmentGate gate, Func<GateLoad, int> value) =>
        gate.Arrivals.Loads.Select(
            window => new Measurement<int>(value(window.Load), new KeyValuePair<string, object?>("overlay", window.Overlay)));

    // Overlays are configured: a closed set.
    private static IEnumerable<Measurement<int>> Each(EnrolmentGate gate, Func<EnrolmentControl, int> value) =>
        gate.Controls.All.Select(
            control => new Measurement<int>(value(control), new KeyValuePair<string, object?>("overlay", control.Overlay)));
}
