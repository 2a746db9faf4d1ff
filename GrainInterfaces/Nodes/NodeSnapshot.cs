namespace ControlPlane.Nodes;

using ControlPlane.Certificates;

/// <summary>What is known of one node at one moment.</summary>
/// <param name="Identity">The node's identity.</param>
/// <param name="Stage">How far it is.</param>
/// <param name="Protocol">The wire protocol it speaks, once it answered.</param>
/// <param name="Attempt">How many enrolments were begun, this one included; 0 before the first.</param>
/// <param name="Overlay">The overlay it was placed in; null before placement.</param>
/// <param name="PlacementReason">Why that overlay.</param>
/// <param name="Certificate">The certificate it holds, or is about to be given; null when it has none.</param>
/// <param name="ServerTokenExpiresAt">When its server token ends; null when it has none.</param>
/// <param name="Refusal">Why it was refused; null when it was not.</param>
/// <param name="Reason">Why it waits, is silent or was refused, in words; null otherwise.</param>
/// <param name="DueAt">When its next step is due; null when none is.</param>
/// <param name="FirstSeenAt">When it was first heard of.</param>
/// <param name="LastSeenAt">When it was last heard; soft, lost when the silo ends.</param>
/// <param name="AgentVersion">Choria's version on the node, when it was reported.</param>
/// <param name="History">What happened to it, oldest first; at most 64 steps are kept.</param>
/// <param name="Liveness">Whether it is heard on its overlay.</param>
/// <param name="LivenessSince">Since when; null when it was never heard there.</param>
/// <param name="MachineId">Its machine's own id, as it reported since it enrolled; null when it reported none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeSnapshot")]
public sealed record NodeSnapshot(
    [property: Id(0)] string Identity,
    [property: Id(1)] NodeStage Stage,
    [property: Id(2)] NodeProtocol Protocol,
    [property: Id(3)] int Attempt,
    [property: Id(4)] string? Overlay,
    [property: Id(5)] string? PlacementReason,
    [property: Id(6)] CertificateReference? Certificate,
    [property: Id(7)] DateTimeOffset? ServerTokenExpiresAt,
    [property: Id(8)] Refusal? Refusal,
    [property: Id(9)] string? Reason,
    [property: Id(10)] DateTimeOffset? DueAt,
    [property: Id(11)] DateTimeOffset? FirstSeenAt,
    [property: Id(12)] DateTimeOffset? LastSeenAt,
    [property: Id(13)] string? AgentVersion,
    [property: Id(14)] IReadOnlyList<NodeStep> History,
    [property: Id(15)] NodeLiveness Liveness = NodeLiveness.Unknown,
    [property: Id(16)] DateTimeOffset? LivenessSince = null,
    [property: Id(17)] string? MachineId = null);

/// <summary>One step in a node's history.</summary>
/// <param name="Stage">The stage that was reached.</param>
/// <param name="At">When.</param>
/// <param name="Attempt">In which enrolment.</param>
/// <param name="Detail">Why or how, in words that hold no secret; null when the stage says it all.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeStep")]
public sealed record NodeStep(
    [property: Id(0)] NodeStage Stage,
    [property: Id(1)] DateTimeOffset At,
    [property: Id(2)] int Attempt,
    [property: Id(3)] string? Detail);
