namespace ControlPlane.Nodes;

/// <summary>A job had a node enrol anew. Kept after the node has arrived: whoever asks then is told so.</summary>
/// <param name="Attempt">Names the job and its attempt: in one name a node enrols once.</param>
/// <param name="HasArrived">Whether it has arrived since.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobReprovision")]
internal sealed record JobReprovision([property: Id(0)] string Attempt, [property: Id(1)] bool HasArrived = false)
{
    public JobReprovision Arrived => this with { HasArrived = true };
}

/// <summary>How an enrolment stands that a job asked for.</summary>
/// <param name="State">How.</param>
/// <param name="Detail">Why it waits or failed, in words; empty otherwise.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionStatus")]
internal sealed record ReprovisionStatus([property: Id(0)] ReprovisionState State, [property: Id(1)] string Detail = "")
{
    /// <summary>The overlay where it has arrived; null before.</summary>
    [Id(2)]
    public string? Overlay { get; init; }

    /// <summary>How it stands by what is kept of the node. Pure.</summary>
    public static ReprovisionStatus Of(NodeState node, string attempt) => node switch
    {
        { ForJob: null } => new ReprovisionStatus(ReprovisionState.NotAsked),
        { ForJob.Attempt: var last } when last != attempt =>
            new ReprovisionStatus(ReprovisionState.NotAsked, $"it was last asked to enrol anew by {last}"),
        { ForJob.HasArrived: true } => new ReprovisionStatus(ReprovisionState.Arrived) { Overlay = node.Overlay },
        { Stage: NodeStage.Gone } => Failed("it was decommissioned"),
        { Hold: { Kind: NodeStage.Quarantined, Reason: var why } } => Failed(why),
        { Hold.Reason: var why } => new ReprovisionStatus(ReprovisionState.UnderWay, why),
        _ => new ReprovisionStatus(ReprovisionState.UnderWay),
    };

    public static ReprovisionStatus Failed(string why) => new(ReprovisionState.Failed, why);
}

/// <summary>How an enrolment stands that a job asked for.</summary>
internal enum ReprovisionState
{
    /// <summary>It was not asked for in this name, or it is not known any more.</summary>
    NotAsked = 0,

    /// <summary>The node was asked, and has not arrived.</summary>
    UnderWay = 1,

    /// <summary>It has arrived: where it was, or in another overlay.</summary>
    Arrived = 2,

    /// <summary>It will not arrive: it was not willing, or was refused.</summary>
    Failed = 3,
}
