namespace ControlPlane.Jobs;

/// <summary>Results that say the same, together. Pure.</summary>
/// <param name="State">How the targets ended.</param>
/// <param name="Message">What all of them say.</param>
/// <param name="Nodes">How many, of the results that were looked at.</param>
/// <param name="Examples">Some of them.</param>
internal sealed record FailureGroup(TargetState State, string Message, int Nodes, IReadOnlyList<string> Examples)
{
    public const int Max = 20;

    private const int ExamplesMax = 5;

    /// <summary>The largest groups first; a node whose attempts all failed counts with its last.</summary>
    public static IReadOnlyList<FailureGroup> Of(IEnumerable<JobResult> results) =>
    [
        .. results.GroupBy(result => result.Identity, StringComparer.Ordinal).Select(attempts => attempts.MaxBy(result => result.Attempt)!)
            .GroupBy(result => (result.State, result.Message))
            .OrderByDescending(same => same.Count()).ThenBy(same => same.Key.Message, StringComparer.Ordinal)
            .Take(Max)
            .Select(same => new FailureGroup(
                same.Key.State, same.Key.Message, same.Count(),
                [.. same.Select(result => result.Identity).Order(StringComparer.Ordinal).Take(ExamplesMax)])),
    ];
}
