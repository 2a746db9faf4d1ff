namespace ControlPlane.Adapters.LocalCa;

/// <summary>The intermediates of one CA, oldest first, and the certificates above them. Immutable.</summary>
/// <remarks>
/// An intermediate is renewed in two steps, so that no node meets a certificate of a CA that it was not told of: it is made and given
/// out in chains <c>lead</c> before its predecessor ends, and signs from <c>lead / 2</c> before. Both moments follow from the
/// certificates alone, so that silos that share them agree without speaking.
/// </remarks>
internal sealed class AuthorityGenerations(IReadOnlyList<Authority> intermediates, IReadOnlyList<byte[]> above, TimeSpan? lead)
{
    /// <summary>Whether the next intermediate is to be made.</summary>
    public bool ShouldPrepareNext(DateTimeOffset now) => lead is { } time && now >= intermediates[^1].NotAfter - time;

    /// <summary>Every intermediate there ever was.</summary>
    public IReadOnlyList<Authority> All => intermediates;

    /// <summary>The intermediate that signs at an instant.</summary>
    public Authority SignerAt(DateTimeOffset instant)
    {
        for (var index = intermediates.Count - 1; index > 0; index--)
        {
            if (instant >= intermediates[index - 1].NotAfter - (lead.GetValueOrDefault() / 2))
            {
                return intermediates[index];
            }
        }

        return intermediates[0];
    }

    /// <summary>Those whose certificates may still be valid, the one that signs first.</summary>
    public IReadOnlyList<Authority> LivingAt(DateTimeOffset now)
    {
        var signer = SignerAt(now);
        return [signer, .. intermediates.Where(other => other != signer && other.NotAfter > now)];
    }

    /// <summary>The chain that nodes are given: the signing intermediate, the other living ones, and those above.</summary>
    public IReadOnlyList<byte[]> ChainAt(DateTimeOffset now) => [.. LivingAt(now).Select(authority => authority.Certificate), .. above];
}
