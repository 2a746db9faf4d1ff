namespace ControlPlane.Nodes;

/// <summary>How an enrolment stands after a step.</summary>
/// <param name="State">The state after it.</param>
/// <param name="Findings">What was learnt of the node so far.</param>
/// <param name="IsDurable">Whether the state must be written before the next step: it holds what cannot be learnt again.</param>
internal sealed record Progress(NodeState State, EnrolmentFindings? Findings, bool IsDurable)
{
    /// <summary>The overlay on whose network the node answered: the state is as before, and this is news. Null when it did not.</summary>
    public string? LivesIn { get; init; }

    /// <summary>For how long it would have been heard and was not; null when that was not asked.</summary>
    public TimeSpan? UnheardFor { get; init; }

    /// <summary>How somebody else asks to enrol in the name of a node that lives on its overlay; null when nobody does.</summary>
    public string? Contest { get; init; }
}
