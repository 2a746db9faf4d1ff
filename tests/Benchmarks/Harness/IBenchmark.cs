namespace ControlPlane.Benchmarks;

/// <summary>One comparison: what we built beside the same work done by hand, measured in the same run.</summary>
/// <remarks>
/// Every class of this assembly that implements this and has a constructor without parameters is found by itself. One that is also
/// <see cref="IAsyncDisposable"/> is disposed after its last round.
/// </remarks>
public interface IBenchmark
{
    /// <summary>What it is called and filtered by: lower case and dashes, e.g. <c>enrol-v1</c>.</summary>
    string Name { get; }

    /// <summary>What the figures count, written behind them without a space: <c>nodes/min</c>, <c>ms</c>.</summary>
    string Unit { get; }

    /// <summary>How often both are measured. 1 to 101, odd so that the median was measured; 5 by default.</summary>
    int Rounds => 5;

    /// <summary>Further figures of what was measured last, for the JSON file: percentiles, bytes, calls.</summary>
    IReadOnlyDictionary<string, double> Details => new Dictionary<string, double>();

    /// <summary>Starts what both need and warms both up. Called once.</summary>
    Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>One measurement of ours.</summary>
    Task<double> RunOursAsync(CancellationToken cancellationToken);

    /// <summary>One measurement of the reference: the same work, the same inputs.</summary>
    Task<double> RunReferenceAsync(CancellationToken cancellationToken);
}
