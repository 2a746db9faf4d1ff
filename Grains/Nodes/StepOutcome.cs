using ControlPlane.Enrolment;
using ControlPlane.Flow;

namespace ControlPlane.Nodes;

/// <summary>How a node stands after a step, or why the step was not taken: it needs places that the node does not have yet.</summary>
/// <param name="Entry">What the roster is to know; its due time is when the node comes to its next step.</param>
/// <param name="News">What was heard and is still to be acted on.</param>
/// <param name="IsAtRest">Whether nothing is to be done before the entry is due.</param>
/// <param name="Needs">The places that the next step needs.</param>
/// <param name="Group">Whose turn it is that the node waits for.</param>
/// <param name="WaitUntil">Before this moment, which is near, there is nothing to do; null when there is.</param>
/// <param name="IsOnItsWay">Whether it is configured and has not arrived.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.StepOutcome")]
internal sealed record StepOutcome(
    [property: Id(0)] RosterEntry Entry,
    [property: Id(1)] NodeNews News,
    [property: Id(2)] bool IsAtRest,
    [property: Id(3)] Places Needs,
    [property: Id(4)] string Group,
    [property: Id(5)] DateTimeOffset? WaitUntil,
    [property: Id(6)] bool IsOnItsWay)
{
    /// <summary>What the step tells of those that it leans on; null when nothing.</summary>
    [Id(7)]
    public StepLoad? Load { get; init; }

    /// <summary>What became of a node on its way.</summary>
    [Id(8)]
    public Passage Passage { get; init; }

    /// <summary>Of a missing one: for how long the networks that it can be on were heard without a break.</summary>
    [Id(9)]
    public TimeSpan UnheardFor { get; init; }
}

/// <param name="Dependency">What the step leans on.</param>
/// <param name="Latency">How long the step took.</param>
/// <param name="HasFailed">Whether it failed because what it leans on did.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.StepLoad")]
internal sealed record StepLoad(
    [property: Id(0)] Dependency Dependency, [property: Id(1)] TimeSpan Latency, [property: Id(2)] bool HasFailed);

/// <summary>Places of the gate that steps are taken in.</summary>
[Flags]
internal enum Places
{
    None = 0,

    /// <summary>Among those whose first answer is waited for: the dead hold no others.</summary>
    Probe = 1,

    /// <summary>Among those that run.</summary>
    Enrolment = 2,

    /// <summary>Among those of its overlay that are on their way.</summary>
    Arrival = 4,
}

/// <summary>What became of a node between its overlay's configuration and its arrival.</summary>
internal enum Passage
{
    None = 0,
    Restarted = 1,
    Arrived = 2,
    Missing = 3,
}
