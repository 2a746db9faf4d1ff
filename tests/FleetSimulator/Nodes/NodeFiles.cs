using ControlPlane.FleetSimulator.Keys;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What a node has on its disk, and so keeps over a restart. Held in memory here.</summary>
internal sealed record NodeFiles
{
    public static NodeFiles Empty { get; } = new();

    /// <summary>The version of the program.</summary>
    public string Version { get; init; } = NodeProfile.ChoriaVersion;

    /// <summary><c>server.conf</c>.</summary>
    public NodeConfiguration? Configuration { get; init; }

    /// <summary><c>server.jwt</c>.</summary>
    public string? ServerToken { get; init; }

    /// <summary><c>server.seed</c>, decoded.</summary>
    public byte[]? Seed { get; init; }

    /// <summary>The public half of <see cref="Seed"/>, lower-case hexadecimal.</summary>
    public string? Ed25519PublicKey { get; init; }

    /// <summary><c>ssl/private.pem</c>.</summary>
    public NodeKey? PrivateKey { get; init; }

    /// <summary><c>ssl/certificate.pem</c>.</summary>
    public string? Certificate { get; init; }

    /// <summary><c>ssl/ca.pem</c>.</summary>
    public string? Authorities { get; init; }
}
