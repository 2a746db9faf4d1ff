namespace ControlPlane.Placement.Plans;

/// <summary>A plan ends with the leader that runs it, and whoever looks at the next leader's plans sees that there was one.</summary>
/// <remarks>
/// Plans are not taken over: their moves were right for what the old leader knew. What it still ran is known by its last answers.
/// </remarks>
/// <param name="history">What plans are recorded in.</param>
/// <param name="ended">Hears of each plan that ended so, to tell operators.</param>
internal sealed class PlanHandover(StoredRegion history, Action<PlanProgress> ended)
{
    private IReadOnlyList<PlanProgress> told = [];

    private RegionState Ledger => history.Ledger;

    /// <summary>What this overlay runs as the leader, for the others to know.</summary>
    public IReadOnlyList<PlanProgress> Unfinished => [.. Ledger.Plans.Plans.Where(IsUnfinished).Select(plan => plan with { Reports = [] })];

    /// <summary>The leader says what it runs.</summary>
    public void Hear(IReadOnlyList<PlanProgress> plans) => told = plans;

    /// <summary>
    /// This overlay is not the leader any more, or was not for a while. What its plans hold for later moves, the next leader gives back.
    /// </summary>
    public void End(string reason)
    {
        var unfinished = Ledger.Plans.Plans.Where(IsUnfinished).ToArray();
        foreach (var plan in unfinished)
        {
            Abort(plan, reason);
        }

        if (unfinished.Length > 0)
        {
            history.EndHomings();
        }
    }

    /// <summary>This overlay becomes the leader: what the one before ran, as it last said.</summary>
    public void TakeOver(string before)
    {
        foreach (var plan in told.Take(PlanList.PlansMax))
        {
            Abort(
                plan with { Id = $"{plan.Id}@{before}" },
                $"{before} ran it, and is not the leader any more; make another plan for the rest");
        }
    }

    private void Abort(PlanProgress plan, string reason)
    {
        var aborted = plan with { Stage = PlanStage.Aborted, Reason = reason, ChangedAt = history.Now };
        _ = history.Record(new PlacementChange.PlanChanged(aborted));
        ended(aborted);
    }

    private static bool IsUnfinished(PlanProgress plan) => plan.Stage is PlanStage.Approved or PlanStage.Running or PlanStage.Paused;
}
