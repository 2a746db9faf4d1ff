using System.Diagnostics.Metrics;

namespace ControlPlane.Access;

/// <summary>What is measured of the record of calls.</summary>
internal sealed class AuditMeter : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> records;
    private readonly Counter<long> refused;
    private readonly Counter<long> lost;
    private readonly Counter<long> omitted;

    public AuditMeter(IMeterFactory factory)
    {
        meter = factory.Create("ControlPlane.Access.Audit");
        records = meter.CreateCounter<long>("controlplane.access.audit.records", "{record}", "Records of calls that were written");
        refused = meter.CreateCounter<long>(
            "controlplane.access.audit.refused", "{call}", "Calls that were not made because they could not be recorded");
        lost = meter.CreateCounter<long>("controlplane.access.audit.lost", "{record}", "Records of outcomes that were lost");
        omitted = meter.CreateCounter<long>(
            "controlplane.access.audit.omitted", "{record}", "Denied calls and failed sign-ins that were only counted");
    }

    public void Written(int count) => records.Add(count);

    public void Refused() => refused.Add(1);

    public void Lost() => lost.Add(1);

    public void Omitted() => omitted.Add(1);

    /// <summary>Has what an appender does now shown.</summary>
    public void Observe(AuditAppender appender)
    {
        meter.CreateObservableGauge(
            "controlplane.access.audit.backlog", () => appender.Backlog, "{record}", "Records that the log does not have yet");
        meter.CreateObservableGauge(
            "controlplane.access.audit.break_glass",
            () => appender.IsGlassBroken ? 1 : 0,
            "1",
            "1 while the break-glass switch of this machine is on");
    }

    public void Dispose() => meter.Dispose();
}
