using ControlPlane.Filters;

namespace ControlPlane.Access.Policies;

/// <summary>What a decision rests on besides policy, caller and request: gathered before it, so that deciding is pure.</summary>
/// <param name="Site">The site where it is asked.</param>
/// <param name="Node">What is known of the request's node; null when nothing is, or when nobody needed it.</param>
/// <param name="Now">When it is asked.</param>
internal sealed record AccessFacts(string Site, NodeFacts? Node, DateTimeOffset Now)
{
    /// <summary>The region of the site; empty where nobody knows.</summary>
    public string Region { get; init; } = "";

    /// <summary>Who made what is to be approved; null when nobody knows, or when nobody needed it.</summary>
    public string? Submitter { get; init; }
}

/// <param name="Overlay">The overlay where it was placed; null when it was not.</param>
/// <param name="Said">What it said of itself; null when it said nothing, or nobody wanted it.</param>
internal sealed record NodeFacts(string? Overlay, FilteredNode? Said);

/// <summary>Says what is known of nodes, for rules that depend on it.</summary>
internal interface INodeFacts
{
    /// <param name="node">Its identity.</param>
    /// <param name="said">Whether what it said of itself is wanted too, which is a thousand times more than where it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when nothing is known of the node.</returns>
    /// <exception cref="TimeoutException">The index did not answer: nobody can decide now.</exception>
    Task<NodeFacts?> FindAsync(string node, bool said, CancellationToken cancellationToken);
}

/// <summary>Says who made what is to be approved; one for each kind of thing that is.</summary>
internal interface ISubmissions
{
    /// <returns>The maker's name; null when the request is about nothing of the kind that this knows, or there is none such.</returns>
    /// <exception cref="TimeoutException">Its owner did not answer: nobody can decide now.</exception>
    Task<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken);
}
