using System.Globalization;

namespace ControlPlane.Jobs;

/// <summary>How much of a job's targets a stage takes: a number of them, or a share.</summary>
/// <param name="Nodes">How many; 0 for a share.</param>
/// <param name="Percent">The share; 0 for a number.</param>
internal readonly record struct StageSize(int Nodes, double Percent)
{
    public static StageSize Everything { get; } = new(0, 100);

    public static StageSize? ReadOrNull(string text)
    {
        if (text is [.. var share, '%'])
        {
            return double.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
                && percent is > 0 and <= 100 ? new StageSize(0, percent) : null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var nodes) && nodes > 0
            ? new StageSize(nodes, 0)
            : null;
    }

    /// <summary>Of so many, rounded up.</summary>
    public int Of(int targets) => Nodes > 0 ? Nodes : (int)Math.Ceiling(targets * Percent / 100);
}

/// <summary>Cuts the targets of each overlay into stages. Pure.</summary>
internal static class StageSizes
{
    /// <summary>Up to which of its targets each stage goes, in each overlay; the last stage up to all of them.</summary>
    /// <param name="stages">The stages; their sizes can be read.</param>
    /// <param name="targets">How many targets each overlay has.</param>
    public static IReadOnlyDictionary<string, IReadOnlyList<int>> Ends(
        IReadOnlyList<JobStage> stages, IReadOnlyDictionary<string, int> targets)
    {
        var left = targets.ToDictionary(overlay => overlay.Key, overlay => overlay.Value, StringComparer.Ordinal);
        var ends = targets.Keys.ToDictionary(overlay => overlay, _ => new List<int>(), StringComparer.Ordinal);
        for (var number = 0; number < stages.Count; number++)
        {
            var taken = number == stages.Count - 1 ? new Dictionary<string, int>(left) : Take(stages[number], targets, left);
            foreach (var (overlay, end) in ends)
            {
                left[overlay] -= taken[overlay];
                end.Add(targets[overlay] - left[overlay]);
            }
        }

        return ends.ToDictionary(overlay => overlay.Key, IReadOnlyList<int> (overlay) => overlay.Value, StringComparer.Ordinal);
    }

    /// <summary>Shares a number out in proportion, and never more to one than it has. The rest goes to the largest fractions.</summary>
    public static Dictionary<string, int> Share(int number, IReadOnlyDictionary<string, int> among)
    {
        var all = among.Values.Sum(size => (long)size);
        number = (int)Math.Min(number, all);
        var shares = among.ToDictionary(
            one => one.Key, one => all == 0 ? 0 : (int)((long)number * one.Value / all), StringComparer.Ordinal);
        var rest = number - shares.Values.Sum();
        var byFraction = among.OrderByDescending(one => all == 0 ? 0 : (long)number * one.Value % all)
            .ThenBy(one => one.Key, StringComparer.Ordinal);
        foreach (var one in byFraction.Take(rest))
        {
            shares[one.Key]++;
        }

        return shares;
    }

    private static Dictionary<string, int> Take(
        JobStage stage, IReadOnlyDictionary<string, int> targets, IReadOnlyDictionary<string, int> left)
    {
        var size = StageSize.ReadOrNull(stage.Size) ?? StageSize.Everything;
        return stage.PerOverlay
            ? left.ToDictionary(
                one => one.Key, one => Math.Min(one.Value, Math.Max(size.Of(targets[one.Key]), stage.Min)), StringComparer.Ordinal)
            : Share(Math.Max(size.Of(targets.Values.Sum()), stage.Min), left);
    }
}
