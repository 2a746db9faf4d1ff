namespace ControlPlane.Nodes;

/// <summary>Looks at an overlay's brokers as a node will that is configured for it. Thread-safe.</summary>
public interface INodeLoginCheck
{
    /// <summary>Why such a node would not come back; null when nothing speaks against it.</summary>
    /// <exception cref="InvalidOperationException">The silo cannot make the token that such a node is given.</exception>
    /// <remarks>
    /// Repeatable. It connects to every broker, and remembers for a while what it found: a herd of nodes that are given the same costs one
    /// look. What only the node itself can show, the key of its certificate, is left out.
    /// </remarks>
    Task<string?> FindFaultAsync(NodeLogin login, CancellationToken cancellationToken);
}

/// <summary>What a node is given to log in with, as far as others are given the same.</summary>
/// <param name="Brokers">Where its brokers are, separated by commas, as its configuration says it.</param>
/// <param name="AuthoritiesPem">The CAs by which it verifies brokers; null when it verifies none.</param>
/// <param name="HasCertificate">Whether it gets a certificate, from the CAs of <paramref name="AuthoritiesPem"/>.</param>
/// <param name="Organization">The organisation whose issuer signs its server token; null when it gets none.</param>
/// <param name="User">The NATS user of its configuration; null when it has none.</param>
/// <param name="Password">The user's password.</param>
public sealed record NodeLogin(
    string Brokers, string? AuthoritiesPem, bool HasCertificate, string? Organization, string? User, string? Password)
{
    // Records print their members, and the password is a secret.
    public override string ToString() => Brokers;
}
