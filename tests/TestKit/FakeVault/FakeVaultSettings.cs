namespace ControlPlane.TestKit;

/// <summary>How a <see cref="FakeVault"/> is started.</summary>
public sealed record FakeVaultSettings
{
    /// <summary>The kind of the issuing CA's key.</summary>
    public TestKeyKind Key { get; init; } = TestKeyKind.P256;

    /// <summary>The namespace that the mounts are in; none by default.</summary>
    public string? Namespace { get; init; }

    /// <summary>How long it lets every call wait.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.Zero;

    /// <summary>TLS that asks clients for a certificate, as <c>auth/cert</c> needs it. Plain HTTP by default.</summary>
    public TestPki? Tls { get; init; }
}

/// <summary>What a <see cref="FakeVault"/> does wrong with orders.</summary>
public enum VaultTrick
{
    None,

    /// <summary>Signs and never answers.</summary>
    Silent,

    /// <summary>Signs and breaks the connection.</summary>
    LosesTheAnswer,

    /// <summary>Signs and cannot write its audit log: 500, as the real one.</summary>
    AuditFails,

    /// <summary>Answers 200 with a page of HTML.</summary>
    Garbage,

    OtherKey,
    NoNames,
    Authority,
    Past,

    /// <summary>Over a quota, and says when to come back.</summary>
    ThrottlesWithTime,

    /// <summary>Over a quota, as real ones answer unless they are told to send headers.</summary>
    ThrottlesWithoutTime,
}

/// <summary>A role of the fake's PKI mount, by the names of Vault's own fields.</summary>
public sealed record FakeVaultRole
{
    public string AllowedDomain { get; init; } = "example.net";

    public string KeyType { get; init; } = "any";

    public bool UseCsrCommonName { get; init; } = true;

    public bool UseCsrSans { get; init; }

    public bool NoStore { get; init; } = true;

    /// <summary>Zero for the mount's.</summary>
    public TimeSpan MaxTtl { get; init; } = TimeSpan.FromDays(90);

    public TimeSpan NotBeforeDuration { get; init; } = TimeSpan.FromMinutes(5);

    public string Organization { get; init; } = "Example Corp";

    public bool ServerFlag { get; init; } = true;

    public string NotAfter { get; init; } = "";

    public bool GenerateLease { get; init; }

    /// <summary>The URIs that may be asked for, by their beginning; none by default, as in Vault.</summary>
    public string? AllowedUriSans { get; init; }

    /// <summary>As <c>GET roles/{name}</c> answers.</summary>
    public System.Text.Json.Nodes.JsonObject ToJson() => new()
    {
        ["max_ttl"] = (long)MaxTtl.TotalSeconds,
        ["not_after"] = NotAfter,
        ["client_flag"] = true,
        ["server_flag"] = ServerFlag,
        ["use_csr_sans"] = UseCsrSans,
        ["no_store"] = NoStore,
        ["generate_lease"] = GenerateLease,
        ["key_type"] = KeyType,
    };

    /// <summary>Whether the policy of our tokens allows it.</summary>
    public bool Allowed { get; init; } = true;
}
