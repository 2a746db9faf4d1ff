namespace ControlPlane.Flow;

/// <summary>Gathers how work fares at what it leans on, until enough is known to judge. Thread-safe.</summary>
internal sealed class LoadWindow
{
    private static readonly Dependency[] Dependencies = Enum.GetValues<Dependency>();

    private readonly Lock gate = new();
    private readonly (int Samples, int Failed, TimeSpan Latency)[] sums = new (int, int, TimeSpan)[Dependencies.Length];

    public void Add(Dependency dependency, TimeSpan latency, bool hasFailed)
    {
        lock (gate)
        {
            ref var sum = ref sums[(int)dependency];
            sum.Samples++;
            sum.Failed += hasFailed ? 1 : 0;
            sum.Latency += hasFailed ? TimeSpan.Zero : latency;
        }
    }

    /// <summary>The window so far, which begins anew; null while it says too little, and goes on.</summary>
    public LoadSummary? Take()
    {
        lock (gate)
        {
            if (sums.Sum(sum => sum.Samples) < ConcurrencyLimit.SamplesMin)
            {
                return null;
            }

            var summary = new LoadSummary([.. Dependencies.Select(dependency =>
            {
                var (samples, failed, latency) = sums[(int)dependency];
                return new DependencyLoad(dependency, samples, failed, samples > failed ? latency / (samples - failed) : TimeSpan.Zero);
            })]);
            Array.Clear(sums);
            return summary;
        }
    }
}
