using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Body of <c>sign</c>, and what <c>authsign</c> carries in its envelope.</summary>
/// <param name="Hosts">The SAN set. Without it cfssl takes the request's names; an empty one takes them away.</param>
internal sealed record SignBody(
    [property: JsonPropertyName("certificate_request")] string CertificateRequest,
    [property: JsonPropertyName("hosts")] IReadOnlyList<string> Hosts,
    [property: JsonPropertyName("subject")] SubjectBody Subject,
    [property: JsonPropertyName("profile")] string Profile,
    [property: JsonPropertyName("label")] string Label);

/// <summary>Go's own names: cfssl gives its subject no JSON names but these.</summary>
internal sealed record SubjectBody(
    [property: JsonPropertyName("CN")] string CommonName,
    [property: JsonPropertyName("names")] IReadOnlyList<NameBody> Names);

internal sealed record NameBody(
    [property: JsonPropertyName("C")] string? Country,
    [property: JsonPropertyName("L")] string? Locality,
    [property: JsonPropertyName("O")] string? Organization,
    [property: JsonPropertyName("OU")] string? OrganizationalUnit);

/// <param name="Token">Base64 of HMAC-SHA256 over the bytes that <paramref name="Request"/> carries.</param>
/// <param name="Request">Base64 of a <see cref="SignBody"/>.</param>
internal sealed record AuthenticatedBody(
    [property: JsonPropertyName("token")] string Token,
    [property: JsonPropertyName("request")] string Request);

/// <summary>Body of <c>info</c>.</summary>
internal sealed record InfoBody(
    [property: JsonPropertyName("label")] string Label,
    [property: JsonPropertyName("profile")] string Profile);

/// <summary>Body of <c>revoke</c>.</summary>
/// <param name="Serial">Decimal.</param>
/// <param name="AuthorityKeyId">Lower-case hexadecimal; cfssl compares text.</param>
/// <param name="Reason">RFC 5280's name.</param>
internal sealed record RevokeBody(
    [property: JsonPropertyName("serial")] string Serial,
    [property: JsonPropertyName("authority_key_id")] string AuthorityKeyId,
    [property: JsonPropertyName("reason")] string Reason);
