namespace ControlPlane.Jobs;

/// <summary>The states of targets in the few groups that an operator thinks in; the names are those of the style sheet.</summary>
internal static class TargetGroups
{
    /// <summary>In the order of the bar: class name, words, states.</summary>
    public static IReadOnlyList<TargetGroup> All { get; } =
    [
        new("enrolled", "Succeeded", [TargetState.Succeeded]),
        new("running", "Under way", [TargetState.Dispatched, TargetState.Running]),
        new("refused", "Failed", [TargetState.Failed, TargetState.Rejected]),
        new("silent", "No answer", [TargetState.TimedOut, TargetState.Unknown]),
        new("gone", "Left out", [TargetState.Skipped, TargetState.Cancelled]),
        new("waiting", "Pending", [TargetState.Pending]),
    ];

    public static string NameOf(JobState state) => state switch
    {
        JobState.Completed => "enrolled",
        JobState.Running or JobState.Baking or JobState.Preparing => "running",
        JobState.AwaitingApproval or JobState.AtGate or JobState.Paused => "silent",
        JobState.Failed or JobState.Aborted => "refused",
        _ => "waiting",
    };
}

/// <param name="Name">The name in style sheets and scripts.</param>
/// <param name="Title">The name for people.</param>
/// <param name="States">What belongs to it.</param>
internal sealed record TargetGroup(string Name, string Title, IReadOnlyList<TargetState> States)
{
    public int CountIn(TargetCounts counts) => States.Sum(state => counts[state]);
}
