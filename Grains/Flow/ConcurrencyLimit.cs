namespace ControlPlane.Flow;

/// <summary>How many may run at once, found out by trying. Pure.</summary>
/// <remarks>
/// Additive increase, multiplicative decrease, as TCP does it: doubled each window until something suffers for the first time, then a
/// little more each window in which all places were taken, and a third less when something suffers. What suffers answers slower than the
/// operator wants it to, or fails. Latency against a goal, not against the best latency seen: a CA that is slow by nature is no reason to
/// throttle, and an operator can say what is too slow.
/// </remarks>
/// <param name="Places">The limit.</param>
/// <param name="IsStarting">Whether nothing has suffered yet.</param>
internal sealed record ConcurrencyLimit(int Places, bool IsStarting)
{
    /// <summary>Fewer samples than this say nothing.</summary>
    public const int SamplesMin = 5;

    private const double FailedShareMax = 0.2;
    private const double Decrease = 0.7;

    /// <summary>From the lowest to the highest limit in this many windows.</summary>
    private const int IncreaseWindows = 20;

    /// <summary>A quarter of the most: two windows away from all, and no herd's first second hits a cold CA with everything.</summary>
    public static ConcurrencyLimit Start(int placesMin, int placesMax) => new(Math.Clamp(placesMax / 4, placesMin, placesMax), true);

    public ConcurrencyLimit After(LoadSummary load, bool isFull, int placesMin, int placesMax, TimeSpan latencyMax)
    {
        if (load.Dependencies.Any(dependency => Suffers(dependency, latencyMax)))
        {
            return new ConcurrencyLimit(Math.Clamp((int)(Places * Decrease), placesMin, placesMax), false);
        }

        // A limit that is not reached was not tried: raising it would say nothing.
        if (!isFull || load.Samples < SamplesMin)
        {
            return this;
        }

        var more = IsStarting ? Places : Math.Max(1, (placesMax - placesMin) / IncreaseWindows);
        return this with { Places = Math.Clamp(Places + more, placesMin, placesMax) };
    }

    private static bool Suffers(DependencyLoad load, TimeSpan latencyMax) =>
        load.Samples >= SamplesMin && (load.Failed > FailedShareMax * load.Samples || load.Latency > latencyMax);
}

/// <summary>What work met within a window.</summary>
internal sealed record LoadSummary(IReadOnlyList<DependencyLoad> Dependencies)
{
    public int Samples => Dependencies.Sum(dependency => dependency.Samples);
}

/// <param name="Dependency">On whom.</param>
/// <param name="Samples">Calls that ended.</param>
/// <param name="Failed">Those that failed because the dependency did.</param>
/// <param name="Latency">The mean over those that did not.</param>
internal readonly record struct DependencyLoad(Dependency Dependency, int Samples, int Failed, TimeSpan Latency);

/// <summary>What work leans on.</summary>
internal enum Dependency
{
    /// <summary>The brokers, and the nodes behind them.</summary>
    Brokers = 0,

    /// <summary>The store of grains.</summary>
    Store = 1,

    /// <summary>Those who sign certificates.</summary>
    Authority = 2,
}
