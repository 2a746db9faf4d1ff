namespace ControlPlane.Adapters.Vault;

/// <summary>The calls of a PKI mount that we need. Thread-safe.</summary>
internal interface IVaultPki
{
    /// <summary>Has a request signed by a role: its names from us, its subject from the role. Each call makes a certificate.</summary>
    Task<VaultSigned> SignAsync(string role, VaultSignRequest request, CancellationToken cancellationToken);

    /// <summary>Has a request signed as it is, within a role's lifetime. Each call makes a certificate.</summary>
    Task<VaultSigned> SignVerbatimAsync(string role, VaultVerbatimRequest request, CancellationToken cancellationToken);

    /// <summary>Revokes a stored certificate by its serial number (<c>aa:bb:…</c>), or any by itself. Repeatable.</summary>
    Task RevokeAsync(VaultRevocation revocation, CancellationToken cancellationToken);

    /// <summary>The issuer's certificate and those above it, DER.</summary>
    Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken);

    /// <summary>The issuer's revocation list, DER.</summary>
    Task<byte[]> GetRevocationListAsync(CancellationToken cancellationToken);

    /// <summary>What a role says that it does; null when our policy does not let us read it.</summary>
    Task<VaultRole?> ReadRoleAsync(string role, CancellationToken cancellationToken);

    /// <summary>The longest life that the mount gives (<c>max_lease_ttl</c>); null when our policy does not let us read it.</summary>
    Task<TimeSpan?> ReadLifetimeMaxAsync(CancellationToken cancellationToken);

    /// <summary>The serial numbers of all stored certificates.</summary>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken);

    /// <summary>A stored certificate, DER; null when it has gone.</summary>
    Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken);
}

/// <summary>Body of <c>sign</c>.</summary>
/// <param name="Csr">The request, PEM.</param>
/// <param name="CommonName">Used when the role does not take the request's.</param>
/// <param name="AltNames">The names ordered; used when the role does not take the request's (<c>use_csr_sans=false</c>).</param>
/// <param name="UriSans">The URIs ordered; the role must allow them (<c>allowed_uri_sans</c>).</param>
/// <param name="Ttl">From now, e.g. <c>3600s</c>.</param>
internal sealed record VaultSignRequest(string Csr, string CommonName, string AltNames, string UriSans, string Ttl)
{
    public string Format { get; init; } = "pem";
}

/// <summary>Body of <c>sign-verbatim</c>; the usages count only when the request names none.</summary>
internal sealed record VaultVerbatimRequest(string Csr, string Ttl, IReadOnlyList<string> KeyUsage, IReadOnlyList<string> ExtKeyUsage)
{
    public string Format { get; init; } = "pem";
}

/// <summary>Body of <c>revoke</c>: one of the two.</summary>
internal sealed record VaultRevocation
{
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public string? SerialNumber { get; init; }

    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public string? Certificate { get; init; }
}

/// <param name="Certificate">DER.</param>
/// <param name="Chain">What Vault gave with it, issuing CA first, DER.</param>
internal sealed record VaultSigned(byte[] Certificate, IReadOnlyList<byte[]> Chain);
