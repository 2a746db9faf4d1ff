using System.Diagnostics.Metrics;

namespace ControlPlane.Adapters.Fleet;

/// <summary>What is counted of messages that nodes may prove to be theirs; <c>docs/METRICS.md</c> describes it.</summary>
internal sealed class NodeMessageMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.NodeMessages");
    private readonly Counter<long> registrations;
    private readonly Counter<long> submissions;
    private readonly Counter<long> unkept;

    public NodeMessageMeter()
    {
        registrations = meter.CreateCounter<long>(
            "controlplane.registrations.read", "{message}", "Registrations that were read, by what their proof was worth.");
        unkept = meter.CreateCounter<long>(
            "controlplane.registrations.unkept", "{message}", "Registrations that were signs of life only: their content cannot be kept.");
        submissions = meter.CreateCounter<long>(
            "controlplane.submissions.read", "{message}", "Submitted messages that were read, by what their proof was worth.");
    }

    public void Registration(string outcome) => Count(registrations, outcome);

    public void Unkept() => unkept.Add(1);

    public void Submission(string outcome) => Count(submissions, outcome);

    public void Dispose() => meter.Dispose();

    private static void Count(Counter<long> counter, string outcome) =>
        counter.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
