namespace ControlPlane.Flow;

/// <summary>Counts how things end, for as long as that says something. Its rule says when too many failed to go on.</summary>
/// <remarks>
/// Three ways to stop counting what has ended, and all are needed. Nodes that fall out of an overlay do so within minutes of the fault, and
/// are compared with all that live there: a window of time. Moves come as slowly as their plan has them: the last so many. Nodes that were
/// configured and lost are found out after minutes, one by one, and whether most arrive counts, not how soon: each that arrives takes one
/// back. Not thread-safe: its owner is.
/// </remarks>
/// <param name="rule">The rule as it is now.</param>
internal sealed class Brake(Func<BrakeRule> rule)
{
    /// <summary>A window of time is counted in so many steps.</summary>
    private const int Steps = 300;

    /// <summary>The oldest first.</summary>
    private readonly List<Ended> ended = [];

    /// <summary>The names of what failed, where they were told; the oldest first.</summary>
    public IEnumerable<string> Names => ended.Select(one => one.Name).OfType<string>();

    /// <summary>So many have failed, and so many have not.</summary>
    public void Add(DateTimeOffset at, int failed, int passed = 0)
    {
        var kept = rule();
        if (kept.IsOneByOne)
        {
            Add(at, Enumerable.Repeat<string?>(null, failed), passed);
        }
        else if (ended is [.., var last] && at - last.At < kept.Window / Steps)
        {
            ended[^1] = last with { Failed = last.Failed + failed, Passed = last.Passed + passed };
        }
        else if (failed + passed > 0)
        {
            ended.Add(new Ended(at, failed, passed));
        }
    }

    /// <summary>These have failed, of which each counts once however often it does, and so many have not.</summary>
    public void Add(DateTimeOffset at, IEnumerable<string?> failed, int passed)
    {
        foreach (var name in failed)
        {
            ended.RemoveAll(one => name is not null && one.Name == name);
            ended.Add(new Ended(at, Failed: 1, Passed: 0, name));
        }

        var kept = rule();
        ended.AddRange(Enumerable.Repeat(new Ended(at, Failed: 0, Passed: 1), kept.IsTakenBack ? 0 : passed));
        var takenBack = kept.IsTakenBack ? Math.Min(passed, ended.Count) : 0;
        ended.RemoveRange(0, Math.Max(takenBack, ended.Count - kept.LastMax));
    }

    /// <summary>What counts now: how many failed, of how many.</summary>
    public (int Failed, int Of) Count(DateTimeOffset now)
    {
        var window = rule().Window;
        ended.RemoveAll(one => now - one.At > window);
        var failed = ended.Sum(one => one.Failed);
        return (failed, failed + ended.Sum(one => one.Passed));
    }

    /// <summary>An operator has seen what there was, and lets it go on.</summary>
    public void Release() => ended.Clear();

    private readonly record struct Ended(DateTimeOffset At, int Failed, int Passed, string? Name = null);
}

/// <summary>When failures stop what goes on, and which of them count. Without more, all that ever ended do.</summary>
/// <param name="ShareMax">More than this part stops; 1 is never.</param>
internal sealed record BrakeRule(double ShareMax)
{
    /// <summary>Of fewer nothing is concluded.</summary>
    public int SampleMin { get; init; } = 1;

    /// <summary>Fewer failures than this stop nothing.</summary>
    public int FailedMin { get; init; } = 1;

    /// <summary>What is older counts no more.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.MaxValue;

    /// <summary>Only so many of the last count.</summary>
    public int LastMax { get; init; } = int.MaxValue;

    /// <summary>Whether what did not fail takes the oldest failure back instead of being counted.</summary>
    public bool IsTakenBack { get; init; }

    /// <summary>Whether each is kept by itself, as long as it counts; otherwise those of one moment are summed up.</summary>
    public bool IsOneByOne => LastMax < int.MaxValue || IsTakenBack;

    /// <summary>Whether so many failures of so many stop. Pure.</summary>
    public bool Stops(int failed, int of) => ShareMax < 1 && of >= SampleMin && failed >= FailedMin && failed > ShareMax * of;
}
