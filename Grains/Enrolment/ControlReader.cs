using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ControlPlane.Enrolment;

/// <summary>Reads the controls of all overlays into the silo's copy, and reports what was noticed for them.</summary>
internal sealed partial class ControlReader(
    IGrainFactory grains, ControlCache cache, IOptions<OverlaysOptions> overlays, ILocalSiloDetails silo, ILogger<ControlReader> logger)
{
    private readonly Dictionary<string, EnrolmentReport> unanswered = new(StringComparer.Ordinal);
    private long sequence;
    private bool isAway;

    public async Task ReadAsync()
    {
        var reports = overlays.Value.Members.Keys.Select(overlay => (Overlay: overlay, Report: Next(overlay))).ToList();
        var read = await Task.WhenAll(reports.Select(one => AskAsync(one.Overlay, one.Report)));
        var failed = read.Count(control => control is null);
        foreach (var control in read.OfType<EnrolmentControl>())
        {
            unanswered.Remove(control.Overlay);
        }

        if (failed == 0 || cache.Known.IsCompleted)
        {
            cache.Show(read.Zip(reports, (control, one) => control ?? cache.Controls.Find(one.Overlay)).OfType<EnrolmentControl>());
        }

        if (isAway != failed > 0)
        {
            isAway = failed > 0;
            LogReading(isAway ? "cannot be read, and stay as they were last" : "are read again");
        }
    }

    // What was not answered is asked again with its number: it may have been counted.
    private EnrolmentReport Next(string overlay)
    {
        if (!unanswered.TryGetValue(overlay, out var report))
        {
            var noticed = cache.Take(overlay);
            unanswered[overlay] = report = new EnrolmentReport(
                silo.SiloAddress.ToString(), ++sequence, noticed.Attested, noticed.Heard, noticed.Missing, noticed.Arrived);
        }

        return report;
    }

    private async Task<EnrolmentControl?> AskAsync(string overlay, EnrolmentReport report)
    {
        try
        {
            // A silo that was not told of the overlay yet holds nothing back there.
            return await grains.GetGrain<IInternalEnrolmentControlGrain>(overlay).Report(report) ?? new EnrolmentControl(overlay);
        }
        catch (Exception)
        {
            // The top of a loop that must go on: the last known control stays in force, and the outage is logged once.
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The controls of the overlays' enrolment {How}")]
    private partial void LogReading(string how);
}
