namespace ControlPlane.Jobs;

/// <summary>In which order targets are worked on. Pure: the same seed gives the same order.</summary>
public static class TargetOrder
{
    /// <param name="identities">The targets, each once.</param>
    /// <param name="identityOf">Their names.</param>
    /// <param name="seed">Shuffles them; null: by name.</param>
    public static IEnumerable<T> Order<T>(IEnumerable<T> identities, Func<T, string> identityOf, int? seed) => seed is { } number
        ? identities.OrderBy(one => StableHash.Digest(identityOf(one), number)).ThenBy(identityOf, StringComparer.Ordinal)
        : identities.OrderBy(identityOf, StringComparer.Ordinal);
}
