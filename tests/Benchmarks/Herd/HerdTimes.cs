namespace ControlPlane.Benchmarks.Herd;

/// <summary>When which part of a herd was enrolled, as the control plane counts.</summary>
internal sealed class HerdTimes(int expected)
{
    private TimeSpan? announced;
    private TimeSpan? half;
    private TimeSpan? most;
    private TimeSpan? all;

    public int Enrolled { get; private set; }

    public bool IsDone => Enrolled >= expected;

    /// <summary>Nodes a minute from the start of the herd to its last arrival.</summary>
    public double NodesPerMinute => expected / (all ?? throw new InvalidOperationException("the herd has not arrived")).TotalMinutes;

    public IReadOnlyDictionary<string, double> Details => new Dictionary<string, double>
    {
        ["nodes"] = expected,
        ["seconds-announced"] = announced?.TotalSeconds ?? 0,
        ["seconds-50%"] = half?.TotalSeconds ?? 0,
        ["seconds-99%"] = most?.TotalSeconds ?? 0,
        ["seconds-100%"] = all?.TotalSeconds ?? 0,
    };

    public void Record(int enrolled, int nodesAnnounced, TimeSpan elapsed)
    {
        Enrolled = Math.Max(Enrolled, enrolled);
        announced ??= nodesAnnounced >= expected ? elapsed : null;
        half ??= Enrolled * 2 >= expected ? elapsed : null;
        most ??= Enrolled * 100 >= expected * 99 ? elapsed : null;
        all ??= IsDone ? elapsed : null;
    }
}
