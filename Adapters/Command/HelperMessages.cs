using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Command;

/// <summary>What a program reads and writes, as Choria Provisioner's own helper.</summary>
internal static class HelperMessages
{
    // A date that .NET cannot hold is no date.
    private const double SecondsMax = 253_402_300_799;

    public static string Write(HelperQuestion question)
    {
        using var claims = JsonDocument.Parse(question.ClaimsJson);
        return JsonSerializer.Serialize(
            new HelperRequest(
                question.Identity,
                question.SigningRequest is { } asked
                    ? new HelperSigningRequest(
                        asked.SigningRequestPem, PublicKeyOf(asked.SigningRequestPem), asked.SslDirectory)
                    : null,
                question.Ed25519Key is { } key ? new HelperEd25519Key(key.PublicKey, key.Directory, key.Signature) : null,
                question.InventoryJson,
                claims.RootElement),
            HelperJson.Plain.HelperRequest);
    }

    // Choria sends RSA keys as PKCS#1 under this label.
    public static string WritePublicKey(PublicKey key)
    {
        using var rsa = key.GetRSAPublicKey();
        return PemEncoding.WriteString("PUBLIC KEY", rsa is null ? key.ExportSubjectPublicKeyInfo() : rsa.ExportRSAPublicKey()) + "\n";
    }

    /// <exception cref="JsonException">It is not such an object.</exception>
    public static HelperAnswer Read(string text)
    {
        var reply = JsonSerializer.Deserialize(text, HelperJson.Plain.HelperReply) ?? throw new JsonException("there is no object");
        return new HelperAnswer
        {
            Defer = reply.Defer,
            Shutdown = reply.Shutdown,
            Message = reply.Message ?? "",
            Configuration = reply.Configuration ?? [],
            CertificatePem = reply.Certificate ?? "",
            ChainPem = reply.Authorities ?? "",
            PrivateKeyPem = reply.Key ?? "",
            SslDirectory = reply.SslDirectory ?? "",
            ActionPolicies = reply.ActionPolicies ?? [],
            OpaPolicies = reply.OpaPolicies ?? [],
            Upgrade = reply.Upgrade ?? "",
            Token = reply.ServerClaims is { } claims ? WishOf(claims) : null,
        };
    }

    private static ServerTokenWish WishOf(HelperServerClaims claims) => new()
    {
        ExpiresAt = claims.ExpiresAt is > 0 and < SecondsMax and { } seconds ? DateTimeOffset.FromUnixTimeSeconds((long)seconds) : null,
        Collectives = [.. claims.Collectives ?? []],
        OrganizationUnit = string.IsNullOrEmpty(claims.OrganizationUnit) ? null : claims.OrganizationUnit,
        PublishSubjects = [.. claims.PublishSubjects ?? []],
        Rights = claims.Permissions is { } rights
            ? new ServerTokenRights(rights.Submission, rights.Streams, rights.Governor, rights.ServiceHost)
            : null,
    };

    private static string PublicKeyOf(string signingRequestPem)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequestPem(
                signingRequestPem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation);
            return WritePublicKey(request.PublicKey);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            // Whoever judges the request refuses it; the program is asked all the same, as Choria does.
            return "";
        }
    }
}

/// <summary>What the program reads: the fields of Choria Provisioner's own helper input.</summary>
internal sealed record HelperRequest(
    [property: JsonPropertyName("identity")] string Identity,
    [property: JsonPropertyName("csr")] HelperSigningRequest? SigningRequest,
    [property: JsonPropertyName("ed25519_pubkey")] HelperEd25519Key? Ed25519PublicKey,
    [property: JsonPropertyName("inventory")] string Inventory,
    [property: JsonPropertyName("jwt")] JsonElement Token);

internal sealed record HelperSigningRequest(
    [property: JsonPropertyName("csr")] string Pem,
    [property: JsonPropertyName("public_key")] string PublicKey,
    [property: JsonPropertyName("ssldir")] string SslDirectory);

internal sealed record HelperEd25519Key(
    [property: JsonPropertyName("public_key")] string PublicKey,
    [property: JsonPropertyName("directory")] string Directory,
    [property: JsonPropertyName("signature")] string Signature);

/// <summary>What the program writes.</summary>
internal sealed record HelperReply(
    [property: JsonPropertyName("defer")] bool Defer,
    [property: JsonPropertyName("shutdown")] bool Shutdown,
    [property: JsonPropertyName("msg")] string? Message,
    [property: JsonPropertyName("certificate")] string? Certificate,
    [property: JsonPropertyName("ca")] string? Authorities,
    [property: JsonPropertyName("key")] string? Key,
    [property: JsonPropertyName("ssldir")] string? SslDirectory,
    [property: JsonPropertyName("configuration")] Dictionary<string, string>? Configuration,
    [property: JsonPropertyName("action_policies")] Dictionary<string, string>? ActionPolicies,
    [property: JsonPropertyName("opa_policies")] Dictionary<string, string>? OpaPolicies,
    [property: JsonPropertyName("server_claims")] HelperServerClaims? ServerClaims,
    [property: JsonPropertyName("upgrade")] string? Upgrade);

internal sealed record HelperServerClaims(
    [property: JsonPropertyName("exp")] double? ExpiresAt,
    [property: JsonPropertyName("collectives")] IReadOnlyList<string>? Collectives,
    [property: JsonPropertyName("permissions")] HelperPermissions? Permissions,
    [property: JsonPropertyName("ou")] string? OrganizationUnit,
    [property: JsonPropertyName("pub_subjects")] IReadOnlyList<string>? PublishSubjects);

internal sealed record HelperPermissions(
    [property: JsonPropertyName("submission")] bool Submission,
    [property: JsonPropertyName("streams")] bool Streams,
    [property: JsonPropertyName("governor")] bool Governor,
    [property: JsonPropertyName("service_host")] bool ServiceHost);

[JsonSerializable(typeof(HelperRequest))]
[JsonSerializable(typeof(HelperReply))]
internal sealed partial class HelperJson : JsonSerializerContext
{
    /// <summary>As Go writes it, for scripts that look at the text: a plus sign stays one. Names are read in any case, as in Go.</summary>
    public static HelperJson Plain { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNameCaseInsensitive = true,
    });
}
