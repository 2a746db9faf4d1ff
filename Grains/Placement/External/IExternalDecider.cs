namespace ControlPlane.Placement;

/// <summary>Someone outside who has a say in where a node goes: a program or a web hook.</summary>
/// <remarks>
/// Thread-safe. Asked in a turn of the grain that all placements of the region wait for: nothing that may take long happens before it
/// returns its task. What it says is judged again by the hard rules.
/// </remarks>
public interface IExternalDecider
{
    /// <summary>Asks about one node. Repeatable: the node asks again when its place was not stored.</summary>
    /// <param name="question">The question.</param>
    /// <param name="deadline">How long it may work on it; waiting for its turn, and being started, does not count.</param>
    /// <param name="cancellationToken">Ends all of it.</param>
    /// <exception cref="ExternalDecisionException">It failed, or said something that cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The deadline is over.</exception>
    Task<ExternalAnswer> AskAsync(ExternalQuestion question, TimeSpan deadline, CancellationToken cancellationToken);
}

/// <summary>What is asked.</summary>
/// <param name="Identity">The verified identity.</param>
/// <param name="Region">Whose placement asks.</param>
/// <param name="ClaimsJson">The verified claims of the provisioning token, as a JSON object.</param>
/// <param name="EnrolmentJson">The operator's record of the node, as a JSON object.</param>
/// <param name="FactsJson">The node's own facts, as a JSON object: not trusted.</param>
/// <param name="Proposed">Where the node goes by the rules.</param>
/// <param name="Candidates">The overlays that may take it, best first. At least one.</param>
public sealed record ExternalQuestion(
    string Identity,
    string Region,
    string ClaimsJson,
    string EnrolmentJson,
    string FactsJson,
    string Proposed,
    IReadOnlyList<ExternalCandidate> Candidates);

/// <param name="Overlay">Its name.</param>
/// <param name="Score">Its score by the rules.</param>
/// <param name="Free">Places below its hard limit.</param>
/// <param name="Brokers">Its brokers as nodes reach them.</param>
public sealed record ExternalCandidate(string Overlay, double Score, int Free, IReadOnlyList<string> Brokers);

/// <summary>What was said.</summary>
public abstract record ExternalAnswer
{
    /// <summary>The node shall go there.</summary>
    public sealed record Choose(string Overlay, string Reason) : ExternalAnswer;

    /// <summary>Not now.</summary>
    public sealed record Defer(string Reason) : ExternalAnswer;

    /// <summary>It has no opinion: the rules decide.</summary>
    public sealed record Abstain : ExternalAnswer;
}

/// <summary>Nothing usable was said.</summary>
public sealed class ExternalDecisionException(string message, Exception? inner = null) : Exception(message, inner);
