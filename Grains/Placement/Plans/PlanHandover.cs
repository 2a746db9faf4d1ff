namespace ControlPlane.Placement.Plans;

/// <summary>A plan ends with the leader that runs it, and whoever looks at the next leader's plans sees that there was one.</summary>
/// <remarks>
/// Plans are not taken over: their moves were right for what the old leader knew. What it still ran is known to the next one by its last
/// answers, or by its report, whichever comes first.
/// </remarks>
/// <param name="history">What plans are recorded in.</param>
/// <param name="ended">Hears of each plan that ended so, to tell operators.</param>
internal sealed class PlanHandover(StoredRegion history, Action<PlanProgress> ended)
{
    private IReadOnlyList<PlanProgress> told = [];

    private RegionState Ledger => history.Ledger;

    /// <summary>What this overlay runs as the leader, for the others to know.</summary>
    public IReadOnlyList<PlanProgress> Unfinished => [.. Ledger.Plans.Plans.Where(IsUnfinished).Select(plan => plan with { Reports = [] })];

    /// <summary>What ended because this overlay stepped down, for the new leader's report.</summary>
    public IReadOnlyList<PlanProgress> Ended(DateTimeOffset steppedDown) =>
    [
        .. Ledger.Plans.Plans.Where(plan => plan.Stage == PlanStage.Aborted && plan.ChangedAt == steppedDown)
            .Select(plan => plan with { Reports = [] }),
    ];

    /// <summary>The leader says what it runs.</summary>
    public void Hear(IReadOnlyList<PlanProgress>? plans) => told = plans ?? [];

    /// <summary>This overlay is not the leader any more, or was not for a while: gives back what its plans hold for later moves.</summary>
    public void End(string reason, DateTimeOffset at)
    {
        var unfinished = Ledger.Plans.Plans.Where(IsUnfinished).ToArray();
        if (unfinished.Length == 0)
        {
            return;
        }

        foreach (var plan in unfinished)
        {
            Abort(plan, reason, at);
        }

        history.EndHomings();

        // Who enrols already keeps its place: that is an enrolment like any other, and is reported.
        foreach (var node in Ledger.AllNodes().Where(node => node.LiveHold is { Attempt: Reservation.ForPlan }).ToArray())
        {
            _ = history.Record(StoredRegion.Without(node));
        }
    }

    /// <summary>This overlay becomes the leader: what the one before ran, as it last said.</summary>
    public void TakeOver(string before) => Note(before, told);

    /// <summary>What another overlay ran until it stepped down.</summary>
    public void Note(string before, IReadOnlyList<PlanProgress>? plans)
    {
        foreach (var plan in (plans ?? []).Take(PlanList.PlansMax))
        {
            var id = $"{plan.Id}@{before}";
            if (Ledger.Plans.Find(id) is not { } known)
            {
                Abort(plan with { Id = id }, $"{before} ran it, and is not the leader any more; make another plan for the rest", history.Now);
            }
            else if (known.Moved < plan.Moved)
            {
                known = known with { Moved = plan.Moved, Skipped = plan.Skipped, Failed = plan.Failed };
                _ = history.Record(new PlacementChange.PlanChanged(known));
            }
        }
    }

    private void Abort(PlanProgress plan, string reason, DateTimeOffset at)
    {
        var aborted = plan with { Stage = PlanStage.Aborted, Reason = reason, ChangedAt = at };
        _ = history.Record(new PlacementChange.PlanChanged(aborted));
        ended(aborted);
    }

    private static bool IsUnfinished(PlanProgress plan) => plan.Stage is PlanStage.Approved or PlanStage.Running or PlanStage.Paused;
}
