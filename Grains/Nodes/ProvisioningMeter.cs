using System.Diagnostics.Metrics;
using ControlPlane.Enrolment;

namespace ControlPlane.Nodes;

/// <summary>What is counted of enrolments; <c>docs/METRICS.md</c> describes each.</summary>
internal sealed class ProvisioningMeter : IDisposable
{
    public const string Name = "ControlPlane.Nodes";

    private readonly Meter meter = new(Name);
    private readonly Counter<long> outcomes;
    private readonly Histogram<double> durations;
    private readonly Histogram<double> stepDurations;
    private readonly Counter<long> clones;
    private readonly Counter<long> contests;
    private readonly Counter<long> answers;
    private volatile bool areLayersFaulty;
    private readonly Counter<long> forgotten;

    public ProvisioningMeter(EnrolmentGate gate)
    {
        outcomes = meter.CreateCounter<long>(
            "controlplane.provisioning.outcomes", "{node}", "Enrolments that ended or were put off, by outcome.");
        durations = meter.CreateHistogram<double>(
            "controlplane.provisioning.duration", "s", "From the first news of a node to its arrival.");
        stepDurations = meter.CreateHistogram<double>(
            "controlplane.provisioning.step.duration", "s", "One step of an enrolment, waiting for its place not included.");
        clones = meter.CreateCounter<long>(
            "controlplane.provisioning.clones", "{node}", "Nodes that were quarantined because two machines use their identity.");
        contests = meter.CreateCounter<long>(
            "controlplane.provisioning.contests",
            "{enrolment}",
            "Enrolments in whose name two machines spoke: nothing was given out, or it was withdrawn.");
        forgotten = meter.CreateCounter<long>(
            "controlplane.provisioning.newcomers.forgotten", "{name}", "Unknown names that showed no token of ours and were not listed.");
        answers = meter.CreateCounter<long>(
            "controlplane.provisioning.helper.answers", "{answer}", "What the helper answered, or that it failed.");
        meter.CreateObservableGauge(
            "controlplane.provisioning.layers.faulty",
            () => areLayersFaulty ? 1 : 0,
            "{state}",
            "Whether the files of configuration layers have faults, so that earlier ones are in force.");
        meter.CreateObservableGauge(
            "controlplane.provisioning.running", () => gate.Enrolments.Running, "{node}", "Enrolments that hold a place.");
        meter.CreateObservableGauge(
            "controlplane.provisioning.waiting", () => gate.Enrolments.Waiting, "{node}", "Enrolments that wait for a place.");
    }

    public void Enrolled(TimeSpan sinceFirstNews)
    {
        Count("enrolled");
        durations.Record(sinceFirstNews.TotalSeconds);
    }

    public void Held(NodeStage kind) => Count(kind switch
    {
        NodeStage.Quarantined => "quarantined",
        NodeStage.Silent => "silent",
        _ => "deferred",
    });

    public void HelperAnswered(string answer) => answers.Add(1, new KeyValuePair<string, object?>("answer", answer));

    public void LayersRead(bool isFaulty) => areLayersFaulty = isFaulty;

    public void Cloned() => clones.Add(1);

    public void Contested() => contests.Add(1);

    public void ForgotNewcomer() => forgotten.Add(1);

    public void Stepped(EnrolmentStep step, TimeSpan duration) =>
        stepDurations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("step", step.Name));

    public void Dispose() => meter.Dispose();

    private void Count(string outcome) => outcomes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
