namespace ControlPlane.Access;

/// <summary>Who asks, as the edge authenticated them; it travels with the call, sealed (<see cref="CallerSeal"/>).</summary>
public sealed record Caller
{
    // Before the callers below, whose claims it is.
    private static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> NoClaims =
        new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>Our own grains, and what silos do by themselves.</summary>
    public static Caller System { get; } = new() { Principal = "system", Method = CallerMethod.System };

    /// <summary>Whoever reaches the loopback address of a silo that demands no credential.</summary>
    public static Caller Local { get; } = new() { Principal = "local", Method = CallerMethod.Local };

    /// <summary>The name that policies, records and histories use, e.g. <c>alice@example.net</c>.</summary>
    public required string Principal { get; init; }

    /// <summary>How the credential was shown.</summary>
    public required CallerMethod Method { get; init; }

    /// <summary>The groups that the identity provider, or the certificate, vouches for.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Roles that the credential itself gives, as lines of token files do.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>Other verified claims of the credential, by name; each may have several values.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Claims { get; init; } = NoClaims;

    /// <summary>When a second factor was shown; null when none was.</summary>
    public DateTimeOffset? SecondFactorAt { get; init; }

    /// <summary>What names the credential: a token's id, a certificate's serial; never the credential. Null when it has none.</summary>
    public string? CredentialId { get; init; }

    /// <summary>
    /// The address that the call came from; at a gateway the client's id in its place. Null for calls that come over no network.
    /// </summary>
    public string? Address { get; init; }

    /// <summary>The trace that began with the call: all that is done for it is recorded with it. Null without one.</summary>
    public string? Trace { get; init; }
}

/// <summary>How a caller was authenticated.</summary>
public enum CallerMethod
{
    System = 0,
    Local = 1,
    AccessToken = 2,
    Oidc = 3,
    Certificate = 4,
    ChoriaToken = 5,
}
