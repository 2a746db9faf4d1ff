namespace ControlPlane.Placement.Plans;

/// <summary>The plans of a region and how far each is, oldest first. Persisted with the region's head.</summary>
/// <param name="Plans">What is kept of each besides its moves.</param>
/// <param name="Count">How many plans there ever were: the next one's number.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlanList")]
internal sealed record PlanList([property: Id(0)] PlanProgress[] Plans, [property: Id(1)] int Count)
{
    /// <summary>How many plans are kept; the oldest that is over goes first.</summary>
    public const int PlansMax = 50;

    // Each time another one, as PolicyHistory.Empty.
    public static PlanList Empty => new([], 0);

    /// <summary>The plan that runs or is about to; there is at most one.</summary>
    public PlanProgress? Running => Array.Find(Plans, plan => plan.Stage is PlanStage.Running or PlanStage.Approved);

    /// <summary>The plan that must go when another is made; null while there is room.</summary>
    public PlanProgress? Oldest => Plans.Length < PlansMax ? null
        : Array.Find(Plans, plan => plan.Stage is PlanStage.Done or PlanStage.Aborted)
            ?? Array.Find(Plans, plan => plan.Stage == PlanStage.Draft);

    /// <summary>The plan that a job carries out.</summary>
    public PlanProgress? OfJob(string job) => Array.Find(Plans, plan => plan.Job == job);

    public PlanProgress? Find(string id) => Array.Find(Plans, plan => plan.Id == id);

    public PlanList With(PlanProgress plan)
    {
        var at = Array.FindIndex(Plans, known => known.Id == plan.Id);
        if (at < 0)
        {
            return new([.. Plans.Where(known => known.Id != Oldest?.Id), plan], Count + 1);
        }

        PlanProgress[] plans = [.. Plans];
        plans[at] = plan;
        return this with { Plans = plans };
    }
}
