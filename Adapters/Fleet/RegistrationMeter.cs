using System.Diagnostics.Metrics;

namespace ControlPlane.Adapters.Fleet;

/// <summary>What is counted of registrations; <c>docs/METRICS.md</c> describes it.</summary>
internal sealed class RegistrationMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Registrations");
    private readonly Counter<long> read;

    public RegistrationMeter() =>
        read = meter.CreateCounter<long>(
            "controlplane.registrations.read", "{message}", "Registrations that were read, by what their proof was worth.");

    public void Read(string outcome) => read.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Dispose() => meter.Dispose();
}
