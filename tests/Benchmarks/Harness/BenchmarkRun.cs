namespace ControlPlane.Benchmarks;

/// <summary>Measures one benchmark: several rounds, ours and the reference taking turns.</summary>
internal static class BenchmarkRun
{
    public const int RoundsMax = 101;

    /// <param name="benchmark">What is measured.</param>
    /// <param name="rounds">How often; as the benchmark says when null.</param>
    /// <param name="onRound">Hears of each round.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<BenchmarkFigures> MeasureAsync(
        IBenchmark benchmark, int? rounds, Action<string> onRound, CancellationToken cancellationToken)
    {
        var count = Math.Clamp(rounds ?? benchmark.Rounds, 1, RoundsMax);
        var measured = new List<RoundFigures>(count);
        try
        {
            await benchmark.PrepareAsync(cancellationToken);
            for (var round = 0; round < count; round++)
            {
                var figures = await MeasureRoundAsync(benchmark, oursFirst: round % 2 == 0, cancellationToken);
                measured.Add(figures);
                onRound($"round {round + 1}/{count} {benchmark.Name} ours={Figure.Text(figures.Ours)}{benchmark.Unit} "
                    + $"reference={Figure.Text(figures.Reference)}{benchmark.Unit}");
            }

            return new BenchmarkFigures(benchmark.Name, benchmark.Unit, measured, benchmark.Details);
        }
        finally
        {
            if (benchmark is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync();
            }
        }
    }

    // Who goes first changes from round to round, so that neither always finds the machine warm.
    private static async Task<RoundFigures> MeasureRoundAsync(IBenchmark benchmark, bool oursFirst, CancellationToken cancellationToken)
    {
        if (oursFirst)
        {
            var first = await MeasureOnceAsync(benchmark.RunOursAsync, cancellationToken);
            return new RoundFigures(first, await MeasureOnceAsync(benchmark.RunReferenceAsync, cancellationToken));
        }

        var reference = await MeasureOnceAsync(benchmark.RunReferenceAsync, cancellationToken);
        return new RoundFigures(await MeasureOnceAsync(benchmark.RunOursAsync, cancellationToken), reference);
    }

    // What one leaves behind is not collected on the other's time.
    private static Task<double> MeasureOnceAsync(Func<CancellationToken, Task<double>> measure, CancellationToken cancellationToken)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return measure(cancellationToken);
    }
}
