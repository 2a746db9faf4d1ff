using ControlPlane.Placement;
using ControlPlane.Placement.Plans;

namespace ControlPlane.Jobs;

/// <summary>
/// The places of a plan's nodes: the region's leader has one held for each before it is told to enrol anew. A job without a plan needs
/// none.
/// </summary>
internal sealed class PlannedPlaces(OverlayTargets targets, JobContext context)
{
    private JobPlan? Plan => targets.Order!.Spec.Targets.Plan;

    /// <summary>Has places held for targets, in their order, until one has to wait. Safe to repeat.</summary>
    /// <returns>For each of the first ones why it is not told, or null; and what the others wait for.</returns>
    public async Task<(IReadOnlyList<StatusAnswer?> Answers, string? Waits)> ReserveAsync(
        IReadOnlyList<(int Target, int Attempt)> wanted, CancellationToken cancellationToken)
    {
        if (Plan is not { } plan)
        {
            return (new StatusAnswer?[wanted.Count], null);
        }

        try
        {
            var call = new LeaderCall.ReserveMoves(targets.Order!.Job, [.. wanted.Select(one => targets.Identities[one.Target])]);
            var reserved = (await RegionOf(plan).AskLeader(call).WaitAsync(cancellationToken)).Reserved!;
            return ([.. reserved.Moves.Zip(wanted, Read)], reserved.Moves.Count < wanted.Count ? reserved.Waits : null);
        }
#pragma warning disable CA1031 // Held or not is unknown, whatever it was: they are asked for again before anybody is told.
        catch (Exception lost)
#pragma warning restore CA1031
        {
            return ([], lost.Message);
        }
    }

    /// <summary>A target does not come. When that cannot be said, its place is free when its lease ends.</summary>
    public async Task GiveBackAsync(int target)
    {
        if (Plan is { } plan)
        {
            Task said = RegionOf(plan).AskLeader(new LeaderCall.GiveBackMove(targets.Order!.Job, targets.Identities[target]));
            await said.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <summary>Whether a node that has arrived in an overlay has moved at all.</summary>
    public bool HasMoved(string? overlay) => Plan is null || overlay != targets.Order!.Overlay;

    private static StatusAnswer? Read(MoveVerdict verdict, (int Target, int Attempt) of) => verdict switch
    {
        { Objection.Length: > 0 } => new StatusAnswer(of.Target, of.Attempt, TargetState.Skipped, null, verdict.Objection, null),
        { IsThere: true } => new StatusAnswer(of.Target, of.Attempt, TargetState.Succeeded, null, $"it is in {verdict.Overlay}", null),
        _ => null,
    };

    private IInternalPlacementGrain RegionOf(JobPlan plan) => context.Grains.GetGrain<IInternalPlacementGrain>(plan.Region);
}
