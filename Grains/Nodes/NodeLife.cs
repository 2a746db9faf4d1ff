using System.Collections.Immutable;

namespace ControlPlane.Nodes;

/// <summary>How an enrolled node lives on its overlay; written when it changes, never for a heartbeat.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeLife")]
internal sealed record NodeLife
{
    /// <summary>Enough to name a machine that was replaced and still runs.</summary>
    private const int FormerKeysMax = 4;

    [Id(0)]
    public NodeLiveness Liveness { get; init; }

    [Id(1)]
    public DateTimeOffset? LivenessSince { get; init; }

    /// <summary>The machine's own id, as first reported since it enrolled.</summary>
    [Id(2)]
    public string? MachineId { get; init; }

    /// <summary>Where it was seen when that was reported.</summary>
    [Id(3)]
    public string? Place { get; init; }

    /// <summary>Keys that it enrolled with before, newest first: revoked, or about to be.</summary>
    [Id(4)]
    public ImmutableList<string> FormerKeys { get; init; } = [];

    /// <summary>Whether <see cref="MachineId"/> was in a registration that a valid credential signed.</summary>
    [Id(5)]
    public bool IsMachineProven { get; init; }

    /// <summary>After it enrolled anew: the machine may be another, and what it held is a former key.</summary>
    public NodeLife Renewed(HeldCredentials? before) => this with
    {
        MachineId = null,
        Place = null,
        IsMachineProven = false,
        FormerKeys = [.. KeysOf(before).Concat(FormerKeys).Distinct().Take(FormerKeysMax)],
    };

    /// <summary>The fingerprints by which a node can show what it holds.</summary>
    public static IEnumerable<string> KeysOf(HeldCredentials? held) =>
        new[] { held?.Ed25519PublicKey, held?.Certificate?.PublicKeyFingerprint }.OfType<string>();
}
