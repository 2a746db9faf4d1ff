namespace ControlPlane.Access;

/// <summary>Says who holds a token that a client of the gateway sends with its call. Thread-safe.</summary>
public interface ITokenAuthenticator
{
    /// <returns>The holder; null when the token is not good (any more).</returns>
    ValueTask<Caller?> AuthenticateAsync(string token, CancellationToken cancellationToken);
}
