namespace ControlPlane.Certificates;

/// <summary>Which node each key was certified for, so that no two share one and none comes back that was revoked.</summary>
/// <remarks>Thread-safe.</remarks>
/// <exception cref="LedgerUnavailableException">The store does not answer, or holds what cannot be read.</exception>
public interface IKeyRegister
{
    /// <summary>Makes the key a node's, unless it is someone's already. Safe to repeat.</summary>
    /// <param name="publicKeyFingerprint">Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo.</param>
    /// <param name="identity">Whose it is to be.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<KeyClaim> ClaimAsync(string publicKeyFingerprint, string identity, CancellationToken cancellationToken);

    /// <summary>Marks a key as revoked: no one's claim holds any more. Safe to repeat.</summary>
    Task RevokeAsync(string publicKeyFingerprint, CancellationToken cancellationToken);
}

/// <summary>What became of a claim.</summary>
public enum KeyClaim
{
    /// <summary>The key is the claimant's.</summary>
    Held = 1,

    /// <summary>Another node has it.</summary>
    OfAnotherNode = 2,

    /// <summary>A certificate of it was revoked.</summary>
    Revoked = 3,
}
