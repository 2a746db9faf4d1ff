using System.Text.RegularExpressions;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>The labels of our metrics: those that a silo gives to Prometheus, and those that docs/METRICS.md says there are.</summary>
internal static partial class MetricLabels
{
    /// <summary>What the exporter adds by itself: the bounds of a histogram, and the meter.</summary>
    private static readonly string[] Added = ["le", "otel_scope_name"];

    /// <summary>Each label of each metric of ours, once.</summary>
    public static IEnumerable<(string Metric, string Label)> In(string exposition) =>
        (from line in exposition.Split('\n')
         let sample = Sample().Match(line)
         where sample.Success
         from Match label in Label().Matches(sample.Groups["labels"].Value)
         where !Added.Contains(label.Groups["name"].Value)
         select (sample.Groups["metric"].Value, label.Groups["name"].Value)).Distinct();

    /// <summary>What stands in the document's column of tags for the metric of which Prometheus made a name.</summary>
    public static IEnumerable<string> Listed(IEnumerable<string> document, string metric) =>
        document.Select(line => line.Split(" | "))
            .Where(row => row.Length > 3 && metric.StartsWith(row[0].Trim('|', ' ', '`').Replace('.', '_'), StringComparison.Ordinal))
            .SelectMany(row => Word().Matches(row[3]).Select(word => word.Groups["word"].Value));

    [GeneratedRegex(@"^(?<metric>controlplane_\w+)\{(?<labels>[^}]*)\}")]
    private static partial Regex Sample();

    [GeneratedRegex(@"(?<name>\w+)=""")]
    private static partial Regex Label();

    [GeneratedRegex("`(?<word>[a-z_]+)`")]
    private static partial Regex Word();
}
