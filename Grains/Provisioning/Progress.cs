namespace ControlPlane.Provisioning;

/// <summary>How an enrolment stands after a step.</summary>
/// <param name="State">The state after it.</param>
/// <param name="Dossier">What was learnt of the node so far.</param>
/// <param name="IsDurable">Whether the state must be written before the next step: it holds what cannot be learnt again.</param>
internal sealed record Progress(NodeState State, NodeDossier? Dossier, bool IsDurable)
{
    /// <summary>Whether the node answered on the network of its overlay: the state is as before, and this is news.</summary>
    public bool LivesInOverlay { get; init; }
}
