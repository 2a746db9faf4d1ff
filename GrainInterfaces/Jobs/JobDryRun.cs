namespace ControlPlane.Jobs;

/// <summary>What a job would do if it were submitted now. Nothing was begun, and nothing is kept.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobDryRun")]
public sealed record JobDryRun
{
    /// <summary>All that is wrong with the specification. When something is, nothing else is said.</summary>
    [Id(0)]
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>
    /// How it would stand as soon as its targets are known: running, waiting, awaiting approval, completed without targets, or failed.
    /// </summary>
    [Id(1)]
    public JobState State { get; init; }

    /// <summary>Why it would not run; empty when it would.</summary>
    [Id(2)]
    public string Reason { get; init; } = "";

    /// <summary>How many targets each stage would have, in the order of the stages.</summary>
    [Id(3)]
    public IReadOnlyList<int> Stages { get; init; } = [];

    /// <summary>What each overlay would take on.</summary>
    [Id(4)]
    public IReadOnlyList<JobDryRunOverlay> Overlays { get; init; } = [];

    /// <summary>
    /// The first targets of each overlay, at most <see cref="NodesMax"/> of each, in the order in which they would be worked on.
    /// </summary>
    [Id(5)]
    public IReadOnlyList<JobDryRunNode> Nodes { get; init; } = [];

    /// <summary>Of so many targets of an overlay the names are said.</summary>
    public const int NodesMax = 2_000;
}

/// <param name="Overlay">The overlay.</param>
/// <param name="Targets">How many of its nodes are meant.</param>
/// <param name="Fault">Why it would not take part; null when it would.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobDryRunOverlay")]
public sealed record JobDryRunOverlay(
    [property: Id(0)] string Overlay, [property: Id(1)] int Targets, [property: Id(2)] string? Fault);

/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it lives.</param>
/// <param name="Stage">The number of its stage, from 0.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobDryRunNode")]
public sealed record JobDryRunNode(
    [property: Id(0)] string Identity, [property: Id(1)] string Overlay, [property: Id(2)] int Stage);
