namespace ControlPlane.Access;

/// <summary>Verifies the ID tokens with which an identity provider answers that somebody signed in. Thread-safe.</summary>
public interface IIdentityTokens
{
    /// <summary>Says whose an ID token is. Changes nothing, and may be repeated.</summary>
    /// <returns>Null when the token is not good: of another provider or for another client, not its own signature, or over.</returns>
    ValueTask<VerifiedIdentity?> ReadAsync(string idToken, CancellationToken cancellationToken);
}

/// <param name="Caller">Who signed in.</param>
/// <param name="ExpiresAt">When the ID token ends.</param>
public sealed record VerifiedIdentity(Caller Caller, DateTimeOffset ExpiresAt);
