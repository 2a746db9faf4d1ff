using System.Globalization;

namespace ControlPlane.Benchmarks;

/// <param name="Ours">What was measured of ours.</param>
/// <param name="Reference">What was measured of the reference, in the same round.</param>
internal sealed record RoundFigures(double Ours, double Reference);

/// <summary>What one benchmark measured.</summary>
internal sealed record BenchmarkFigures(
    string Name, string Unit, IReadOnlyList<RoundFigures> Rounds, IReadOnlyDictionary<string, double> Details)
{
    /// <summary>The median of ours.</summary>
    public double Ours => Figure.Median(Rounds.Select(round => round.Ours));

    /// <summary>The median of the reference.</summary>
    public double Reference => Figure.Median(Rounds.Select(round => round.Reference));

    /// <summary>The median of ours over the median of the reference.</summary>
    public double Ratio => Ours / Reference;

    /// <summary>The line that a run ends with.</summary>
    public override string ToString() =>
        $"bench {Name} ours={Figure.Text(Ours)}{Unit} reference={Figure.Text(Reference)}{Unit} "
            + string.Create(CultureInfo.InvariantCulture, $"ratio={Ratio:0.###}");
}

internal static class Figure
{
    /// <summary>The middle one; of an even number the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> figures)
    {
        var sorted = figures.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Four significant digits, never as a power of ten.</summary>
    public static string Text(double figure) => Math.Abs(figure) switch
    {
        >= 1000 => figure.ToString("0", CultureInfo.InvariantCulture),
        >= 100 => figure.ToString("0.#", CultureInfo.InvariantCulture),
        >= 10 => figure.ToString("0.##", CultureInfo.InvariantCulture),
        _ => figure.ToString("0.####", CultureInfo.InvariantCulture),
    };
}
