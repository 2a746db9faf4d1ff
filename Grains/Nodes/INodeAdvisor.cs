using System.Collections.Immutable;

namespace ControlPlane.Nodes;

/// <summary>A program of the operator that answers for a node, by the contract of Choria Provisioner's helper.</summary>
/// <remarks>What it does wrong is no fault of the node's. Thread-safe.</remarks>
public interface INodeAdvisor
{
    /// <summary>How long a node that it defers waits.</summary>
    TimeSpan DeferFor { get; }

    /// <summary>Asks it once. Each call may make it issue another certificate.</summary>
    /// <exception cref="HelperFailedException">It failed, was too slow, or answered what cannot be read.</exception>
    Task<HelperAnswer> AskAsync(HelperQuestion question, CancellationToken cancellationToken);
}

/// <summary>What the program reads of a node.</summary>
public sealed record HelperQuestion
{
    public required string Identity { get; init; }

    /// <summary>The node's signing request; null when it was not asked for one.</summary>
    public SigningRequestReply? SigningRequest { get; init; }

    /// <summary>The node's Ed25519 key; null when it was not asked for one.</summary>
    public Ed25519KeyReply? Ed25519Key { get; init; }

    /// <summary>Its inventory, as the node sent it.</summary>
    public required string InventoryJson { get; init; }

    /// <summary>All claims of its verified token, with the shared secret.</summary>
    public required string ClaimsJson { get; init; }

    // It holds a secret, and records print their members.
    public override string ToString() => Identity;
}

/// <summary>What the program wants for a node; what it leaves out is left to us.</summary>
public sealed record HelperAnswer
{
    /// <summary>Not now.</summary>
    public bool Defer { get; init; }

    /// <summary>The node's process shall end.</summary>
    public bool Shutdown { get; init; }

    /// <summary>Why, fit to be shown.</summary>
    public string Message { get; init; } = "";

    public IReadOnlyDictionary<string, string> Configuration { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>A certificate for the node, with <see cref="ChainPem"/>; empty when we shall order one.</summary>
    public string CertificatePem { get; init; } = "";

    public string ChainPem { get; init; } = "";

    /// <summary>The RSA key of the certificate, when the node's own is not to be used.</summary>
    public string PrivateKeyPem { get; init; } = "";

    public string SslDirectory { get; init; } = "";

    public IReadOnlyDictionary<string, string> ActionPolicies { get; init; } = ImmutableDictionary<string, string>.Empty;

    public IReadOnlyDictionary<string, string> OpaPolicies { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>What its server token is to say; null when that is left to us.</summary>
    public ServerTokenWish? Token { get; init; }

    /// <summary>The version that the node shall run; empty for any.</summary>
    public string Upgrade { get; init; } = "";

    public override string ToString() => nameof(HelperAnswer);
}

/// <summary>What a server token is to say; what is null or empty is left to us.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.ServerTokenWish")]
public sealed record ServerTokenWish
{
    [Id(0)]
    public DateTimeOffset? ExpiresAt { get; init; }

    [Id(1)]
    public ImmutableList<string> Collectives { get; init; } = [];

    [Id(2)]
    public ServerTokenRights? Rights { get; init; }

    [Id(3)]
    public string? OrganizationUnit { get; init; }

    [Id(4)]
    public ImmutableList<string> PublishSubjects { get; init; } = [];
}

/// <summary>What a node may do by its server token.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.ServerTokenRights")]
public sealed record ServerTokenRights(
    [property: Id(0)] bool Submission, [property: Id(1)] bool Streams, [property: Id(2)] bool Governor, [property: Id(3)] bool ServiceHost);

/// <summary>The program failed; the message says how, without secrets.</summary>
public sealed class HelperFailedException(string message, Exception? inner = null) : Exception(message, inner);
