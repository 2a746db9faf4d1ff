namespace ControlPlane.Adapters.LocalCa;

/// <summary>The intermediates of one CA, oldest first, and the certificates above them. Immutable.</summary>
/// <remarks>
/// An intermediate is renewed in two steps, so that no node meets a certificate of a CA that it was not told of: it is made and given
/// out in chains <c>lead</c> before its predecessor ends, and signs from <c>lead / 2</c> before. Both moments follow from the
/// certificates alone, so that silos that share them agree without speaking. One that is held (rolled back) stays in chains, since there
/// are certificates of it, and does not sign as long as another can.
/// </remarks>
internal sealed class AuthorityGenerations(
    IReadOnlyList<Authority> intermediates, IReadOnlyList<byte[]> above, TimeSpan? lead, IReadOnlySet<int> held)
{
    /// <summary>Every intermediate there ever was.</summary>
    public IReadOnlyList<Authority> All => intermediates;

    /// <summary>Which of them, by their place in <see cref="All"/>, are held.</summary>
    public IReadOnlySet<int> Held => held;

    /// <summary>Whether the next intermediate is to be made.</summary>
    public bool ShouldPrepareNext(DateTimeOffset now) =>
        lead is { } time && (LastFree(intermediates.Count) is not { } last || now >= intermediates[last].NotAfter - time);

    /// <summary>The intermediate that signs at an instant.</summary>
    public Authority SignerAt(DateTimeOffset instant)
    {
        var trusted = Indexes.Where(index => IsTrustedAt(index, instant)).ToList();
        return intermediates[
            LastOrNull(trusted.Where(index => !held.Contains(index)))
            ?? LastOrNull(trusted)
            ?? LastOrNull(Indexes.Where(index => intermediates[index].NotAfter > instant))
            ?? intermediates.Count - 1];
    }

    /// <summary>Those whose certificates may still be valid, the one that signs first.</summary>
    public IReadOnlyList<Authority> LivingAt(DateTimeOffset now)
    {
        var signer = SignerAt(now);
        return [signer, .. intermediates.Where(other => other != signer && other.NotAfter > now)];
    }

    /// <summary>The chain that nodes are given: the signing intermediate, the other living ones, and those above.</summary>
    public IReadOnlyList<byte[]> ChainAt(DateTimeOffset now) => [.. LivingAt(now).Select(authority => authority.Certificate), .. above];

    private IEnumerable<int> Indexes => Enumerable.Range(0, intermediates.Count);

    // It lives, its predecessor is about to end, and nodes have had the time to be told of it.
    private bool IsTrustedAt(int index, DateTimeOffset instant)
    {
        var half = lead.GetValueOrDefault() / 2;
        return intermediates[index].NotAfter > instant
            && (index == 0
                || (instant >= intermediates[index].NotBefore + half
                    && (LastFree(index) is not { } predecessor || instant >= intermediates[predecessor].NotAfter - half)));
    }

    private int? LastFree(int before) => LastOrNull(Enumerable.Range(0, before).Where(index => !held.Contains(index)));

    private static int? LastOrNull(IEnumerable<int> indexes) => indexes.Select(index => (int?)index).LastOrDefault();
}
