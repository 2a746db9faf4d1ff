namespace ControlPlane.Jobs;

/// <summary>A job's part in one overlay, as the job knows it.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayShare")]
internal sealed record OverlayShare([property: Id(0)] string Overlay)
{
    /// <summary>Up to which of its targets each stage goes; empty before the job starts.</summary>
    [Id(1)]
    public IReadOnlyList<int> Ends { get; init; } = [];

    /// <summary>What it last said; null before it has.</summary>
    [Id(2)]
    public OverlayReport? Report { get; init; }

    [Id(3)]
    public DateTimeOffset? HeardAt { get; init; }

    /// <summary>What it may do.</summary>
    [Id(4)]
    public Allotment Allotment { get; init; } = Allotment.None;

    /// <summary>Why nothing is begun there, although the job runs; null when something is.</summary>
    [Id(5)]
    public string? PausedBecause { get; init; }

    /// <summary>It did not say in time which nodes it has: the job goes on without it.</summary>
    [Id(7)]
    public bool IsLeftOut { get; init; }

    /// <summary>How its targets stood when the job was last resumed: thresholds count from there.</summary>
    [Id(8)]
    public IReadOnlyList<TargetCounts> Before { get; init; } = [];

    /// <summary>Since when it has not answered; null when it did when it was asked last.</summary>
    [Id(9)]
    public DateTimeOffset? AwaySince { get; init; }

    /// <summary>It is away for longer than the job waits for what is unknown: what it was given is unknown until it is heard.</summary>
    [Id(10)]
    public bool IsLost { get; init; }

    /// <summary>How many nodes may be at work there by any allotment that it may work by, until it confirms the last.</summary>
    [Id(11)]
    public int InUseMax { get; init; }

    public bool IsAway => AwaySince is not null;

    public int Targets => Report?.Targets ?? 0;

    /// <summary>How all of its targets stand.</summary>
    public TargetCounts Counts => IsLeftOut ? TargetCounts.None
        : Ends.Count == 0 ? Report?.Counts ?? TargetCounts.None
        : TargetCounts.Sum(Stages);

    /// <summary>How the targets of each stage stand; empty before the job starts.</summary>
    public IReadOnlyList<TargetCounts> Stages => [.. Enumerable.Range(0, Ends.Count).Select(CountsOf)];

    public TargetCounts CountsOf(int stage)
    {
        if (Report is not { } report || stage >= Ends.Count)
        {
            return TargetCounts.None;
        }

        var counts = stage < report.Stages.Count - 1 ? report.Stages[stage] : NotBegun(report, stage);
        return IsLost && stage < Allotment.Ends.Count ? Lost(counts) : counts;
    }

    public TargetCounts BeforeOf(int stage) => stage < Before.Count ? Before[stage] : TargetCounts.None;

    // An overlay counts what it has not begun in one: those targets are all in one state.
    private TargetCounts NotBegun(OverlayReport report, int stage)
    {
        var counts = new int[TargetCounts.None.ByState.Count];
        var state = report.Stages is [.., var others] && others[TargetState.Cancelled] > 0 ? TargetState.Cancelled : TargetState.Pending;
        counts[(int)state] = Ends[stage] - (stage == 0 ? 0 : Ends[stage - 1]);
        return new TargetCounts { ByState = counts };
    }

    // It may have done all that it was given, and has said no end of these.
    private static TargetCounts Lost(TargetCounts said)
    {
        int[] counts = [.. said.ByState];
        foreach (var open in (TargetState[])[TargetState.Pending, TargetState.Dispatched, TargetState.Running])
        {
            counts[(int)TargetState.Unknown] += counts[(int)open];
            counts[(int)open] = 0;
        }

        return new TargetCounts { ByState = counts };
    }
}
