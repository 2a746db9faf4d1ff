using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Vault;

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
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SerialNumber { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Certificate { get; init; }
}

/// <param name="Usable">It signs, or passes on to who signs.</param>
/// <param name="Detail">What it is.</param>
/// <param name="ServerTime">Its clock; null when it did not say.</param>
internal sealed record VaultStatus(bool Usable, string Detail, DateTimeOffset? ServerTime);
