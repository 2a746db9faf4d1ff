using ControlPlane.Access;
using ControlPlane.Sites;

namespace ControlPlane.Jobs;

/// <summary>
/// Says what a job would do: its overlays find their targets and judge its caller, and what follows from that is decided, as for a job that
/// is submitted, and nothing of it is stored.
/// </summary>
internal sealed class JobDryRuns(JobChecks checks, JobSites sites, JobContext context)
{
    public async Task<JobDryRun> RunAsync(JobSpec spec, Caller caller)
    {
        using var patience = context.BeginCheck();
        var (completed, faults) = await checks.CheckAsync(spec, patience.Token);
        if (faults.Count > 0)
        {
            return new JobDryRun { Faults = faults };
        }

        var submitter = JobSubmitter.Of(caller);
        var parts = await Task.WhenAll(sites.OverlaysOf(completed).Order(StringComparer.Ordinal).Select(overlay =>
            FindAsync(new OverlayJobOrder(JobGrains.DryRun, overlay, sites.Here, completed, submitter))));
        var job = new JobRecord
        {
            Spec = completed, Submitter = submitter, SubmittedAt = context.Now, Overlays = [.. parts.Select(part => part.ToShare())],
        };
        return Sum(completed, JobDecision.Next(job, new JobFacts(context.Now, context.Options)), parts);
    }

    private async Task<Part> FindAsync(OverlayJobOrder order)
    {
        try
        {
            return new Part(order.Overlay, await sites.DryRunAsync(order), Away: null);
        }
        catch (Exception away) when (away is SiteUnreachableException or TimeoutException or OrleansException)
        {
            return new Part(order.Overlay, OverlayDryRun.None, away.Message);
        }
    }

    private static JobDryRun Sum(JobSpec spec, JobRecord decided, IReadOnlyList<Part> parts)
    {
        var targets = parts.ToDictionary(part => part.Overlay, part => part.Found.Targets, StringComparer.Ordinal);
        var ends = StageSizes.Ends(spec.Stages, targets);
        return new JobDryRun
        {
            State = decided.State,
            Reason = decided.Reason,
            Stages = [.. spec.Stages.Select((_, stage) => ends.Values.Sum(of => of[stage] - (stage == 0 ? 0 : of[stage - 1])))],
            Overlays = [.. parts.Select(part => new JobDryRunOverlay(part.Overlay, part.Found.Targets, part.Away ?? part.Found.Fault))],
            Nodes =
            [
                .. parts.SelectMany(part => part.Found.First.Select((identity, place) => new JobDryRunNode(
                    identity, part.Overlay, ends[part.Overlay].TakeWhile(end => end <= place).Count()))),
            ],
        };
    }

    /// <summary>What one overlay said.</summary>
    /// <param name="Overlay">The overlay.</param>
    /// <param name="Found">What it found.</param>
    /// <param name="Away">Why it did not answer; null when it did.</param>
    private sealed record Part(string Overlay, OverlayDryRun Found, string? Away)
    {
        // One that does not answer would be left out in the end.
        public OverlayShare ToShare() => new(Overlay)
        {
            IsLeftOut = Away is not null,
            Report = new OverlayReport { IsPrepared = true, Targets = Found.Targets, Fault = Found.Fault },
        };
    }
}
