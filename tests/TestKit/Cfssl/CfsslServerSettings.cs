namespace ControlPlane.TestKit;

/// <summary>How a <see cref="CfsslServer"/> is started.</summary>
public sealed record CfsslServerSettings
{
    /// <summary>The kind of the issuing CA's key. P-256 by default, which signs fastest.</summary>
    public TestKeyKind Key { get; init; } = TestKeyKind.P256;

    /// <summary>A database of what it issued, so that it can revoke. None by default.</summary>
    public bool Database { get; init; }

    /// <summary>
    /// TLS that asks clients for a certificate of this PKI named <see cref="CfsslServer.ClientName"/>. Plain HTTP by default.
    /// </summary>
    public TestPki? MutualTls { get; init; }

    /// <summary>The program; Debian's by default.</summary>
    public string Program { get; init; } = "cfssl";
}
