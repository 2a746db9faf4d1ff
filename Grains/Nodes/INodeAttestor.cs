namespace ControlPlane.Nodes;

/// <summary>Checks a node's provisioning token: signature, chain, purpose, validity, shared secret.</summary>
/// <remarks>No I/O after start; thread-safe.</remarks>
public interface INodeAttestor
{
    /// <summary>Judges the token at an instant. Repeatable. Never throws for what a token may hold.</summary>
    Attestation Attest(string token, DateTimeOffset now);
}

/// <summary>What became of a provisioning token.</summary>
public abstract record Attestation
{
    /// <summary>It is ours and valid.</summary>
    /// <param name="ClaimsJson">Its claims, without the shared secret and passwords, as a JSON object.</param>
    /// <param name="OrganizationUnit">The <c>ou</c> claim, or its default.</param>
    public sealed record Trusted(string ClaimsJson, string OrganizationUnit) : Attestation
    {
        /// <summary>All its claims, as a helper is shown them.</summary>
        public string SecretClaimsJson { get; init; } = ClaimsJson;

        public override string ToString() => nameof(Trusted);
    }

    /// <summary>It is not.</summary>
    public sealed record Refused(Refusal Refusal, string Detail) : Attestation;

    /// <summary>Its validity begins later, by our clock: one of the clocks is wrong, and not the node's, which does not count.</summary>
    public sealed record NotYet(string Detail) : Attestation;
}

/// <summary>Makes the server tokens (JWT) of protocol v2 nodes, signed by the issuer seed or a chain issuer.</summary>
public interface IServerTokenIssuer
{
    /// <summary>Makes a token. Repeatable: each is as good as the other.</summary>
    /// <exception cref="InvalidOperationException">The silo has no key to sign it with; the message names the setting.</exception>
    ServerToken Issue(ServerTokenOrder order, DateTimeOffset now);
}

/// <param name="Identity">The verified identity.</param>
/// <param name="PublicKey">Lower-case hexadecimal Ed25519 public key, proven to be held.</param>
/// <param name="Collectives">The collectives of its overlay. At least one.</param>
/// <param name="OrganizationUnit">The organisation whose issuer vouches for it.</param>
/// <param name="Lifetime">How long it is valid. At least one hour.</param>
public sealed record ServerTokenOrder(
    string Identity, string PublicKey, IReadOnlyList<string> Collectives, string OrganizationUnit, TimeSpan Lifetime)
{
    /// <summary>What the node may do; submission and streams by default.</summary>
    public ServerTokenRights Rights { get; init; } = new(Submission: true, Streams: true, Governor: false, ServiceHost: false);

    /// <summary>Subjects that it may publish to besides.</summary>
    public IReadOnlyList<string> PublishSubjects { get; init; } = [];
}

/// <param name="Token">The JWT.</param>
/// <param name="ExpiresAt">Its effective end.</param>
public sealed record ServerToken(string Token, DateTimeOffset ExpiresAt);
