using System.Collections.Immutable;

namespace ControlPlane.Nodes;

/// <summary>One setting, policy or wish for a node, and who said it.</summary>
/// <param name="Value">The value; the path of its file when it is a secret.</param>
/// <param name="Origin">Who said it, e.g. <c>10-base.yaml: everybody</c>.</param>
/// <param name="IsSecret">Whether the value is in a file, which is read when the node is configured.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeLine")]
internal sealed record NodeLine(
    [property: Id(0)] string Value, [property: Id(1)] string Origin, [property: Id(2)] bool IsSecret = false)
{
    private static readonly string[] SecretWords = ["pass", "secret", "token", "key", "credential"];

    /// <summary>What may be shown of it: never the value of what is named like a secret. Paths of files are none.</summary>
    public string Shown(string key)
    {
        var last = key[(key.LastIndexOf('.') + 1)..];
        return IsSecret ? $"(secret in {Value})"
            : !Value.StartsWith('/') && Array.Exists(SecretWords, word => last.Contains(word, StringComparison.OrdinalIgnoreCase))
                ? "(secret)"
                : Value;
    }

    // Records print their members, and this one's value may be a secret.
    public override string ToString() => Origin;
}

/// <summary>What a node is to be given besides what makes it ours. In force until it arrived.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeDraft")]
internal sealed record NodeDraft
{
    /// <summary>Lines of <c>server.conf</c>.</summary>
    [Id(0)]
    public ImmutableSortedDictionary<string, NodeLine> Settings { get; init; } = ImmutableSortedDictionary<string, NodeLine>.Empty;

    /// <summary>Action policy files by name.</summary>
    [Id(1)]
    public ImmutableSortedDictionary<string, NodeLine> ActionPolicies { get; init; } = ImmutableSortedDictionary<string, NodeLine>.Empty;

    /// <summary>Open Policy Agent files by name.</summary>
    [Id(2)]
    public ImmutableSortedDictionary<string, NodeLine> OpaPolicies { get; init; } = ImmutableSortedDictionary<string, NodeLine>.Empty;

    /// <summary>The certificate that the helper brought along; null when we order one.</summary>
    [Id(3)]
    public Certificates.GivenCertificate? Certificate { get; init; }

    /// <summary>Whether the helper made the key too. It is kept in memory only: who loses it begins anew.</summary>
    [Id(4)]
    public bool IsKeyGiven { get; init; }

    /// <summary>What the helper wants the server token to say.</summary>
    [Id(5)]
    public ServerTokenWish? Token { get; init; }

    /// <summary>The version that it updates itself to before it is configured; null when it does not.</summary>
    [Id(6)]
    public string? Upgrade { get; init; }

    public static NodeDraft Empty { get; } = new();
}

/// <summary>What was sent to a node, and what that was made from: for whoever asks what it has.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.SentConfiguration")]
internal sealed record SentConfiguration
{
    /// <summary>Its settings as they may be shown: no secrets.</summary>
    [Id(0)]
    public ImmutableSortedDictionary<string, NodeLine> Settings { get; init; } = ImmutableSortedDictionary<string, NodeLine>.Empty;

    /// <summary>The verified claims of its provisioning token, without secrets.</summary>
    [Id(1)]
    public string ClaimsJson { get; init; } = "{}";

    [Id(2)]
    public string? SslDirectory { get; init; }

    [Id(3)]
    public string? Directory { get; init; }
}
