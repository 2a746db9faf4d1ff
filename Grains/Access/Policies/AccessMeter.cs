using System.Diagnostics.Metrics;

namespace ControlPlane.Access.Policies;

/// <summary>What is counted of decisions; <c>docs/METRICS.md</c> describes each.</summary>
internal sealed class AccessMeter : IDisposable
{
    public const string Name = "ControlPlane.Access";

    private readonly Meter meter = new(Name);
    private readonly Counter<long> decisions;
    private readonly Counter<long> outside;

    public AccessMeter(IPolicySource source)
    {
        decisions = meter.CreateCounter<long>("controlplane.access.decisions", "{decision}", "Decisions by the access policy, by outcome.");
        outside = meter.CreateCounter<long>(
            "controlplane.access.external", "{question}", "Questions to the authority outside, by outcome.");
        meter.CreateObservableGauge(
            "controlplane.access.policy.faulty", () => source.Faults.Count > 0 ? 1 : 0, "{file}",
            "1 while the access policy as it is written now has faults, and the one before it is in force.");
    }

    public void Decided(AccessDecision decision) =>
        Count(decisions, decision.WouldBeDenied ? "would-be-denied" : decision.IsAllowed ? "allowed" : "denied");

    public void JudgedOutside(string outcome) => Count(outside, outcome);

    public void Dispose() => meter.Dispose();

    private static void Count(Counter<long> counter, string outcome) =>
        counter.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
