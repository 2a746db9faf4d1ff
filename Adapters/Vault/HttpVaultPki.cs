using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>The PKI mount over HTTP. A token that Vault refuses is replaced once; whoever is refused with a fresh one may not.</summary>
internal sealed class HttpVaultPki(VaultHttp http, IVaultSession session, VaultOptions options) : IVaultPki
{
    public Task<VaultSigned> SignAsync(string role, VaultSignRequest request, CancellationToken cancellationToken) =>
        SignAsync($"sign/{role}", (object)request, cancellationToken);

    public Task<VaultSigned> SignVerbatimAsync(string role, VaultVerbatimRequest request, CancellationToken cancellationToken) =>
        SignAsync($"sign-verbatim/{role}", request, cancellationToken);

    public async Task RevokeAsync(VaultRevocation revocation, CancellationToken cancellationToken)
    {
        var answer = await TellAsync(WithTokenAsync(HttpMethod.Post, $"{options.Mount}/revoke", revocation, cancellationToken));
        if (answer.Succeeded)
        {
            return;
        }

        // It answers so of a certificate that it did not store, or that another CA issued.
        throw answer.Status == HttpStatusCode.BadRequest
            ? new IssuerRefusedException($"Vault {http.Issuer} did not revoke: {answer}")
            : VaultFault.OfQuestion(http.Issuer, answer);
    }

    public async Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(HttpMethod.Get, $"{options.Mount}/issuer/{options.IssuerRef}/json", null, null, cancellationToken);
        if (!answer.Succeeded)
        {
            throw VaultFault.OfQuestion(http.Issuer, answer);
        }

        return Read<IReadOnlyList<byte[]>>("a chain", () =>
        {
            // The chain holds the issuer itself, and is absent where there is nothing above it that Vault knows.
            var issuer = Decode(answer.Data.GetProperty("certificate").GetString());
            return [issuer, .. ChainOf(answer.Data).Where(one => !one.AsSpan().SequenceEqual(issuer))];
        });
    }

    public async Task<byte[]> GetRevocationListAsync(CancellationToken cancellationToken)
    {
        var path = $"{options.Mount}/issuer/{options.IssuerRef}/crl/der";
        var answer = await http.AskAsync(HttpMethod.Get, path, body: null, token: null, cancellationToken);
        if (answer.Status != HttpStatusCode.OK)
        {
            throw VaultFault.OfQuestion(http.Issuer, answer);
        }

        return Read("a revocation list", () =>
        {
            CertificateRevocationListBuilder.Load(answer.Raw, out _, out _);
            return answer.Raw;
        });
    }

    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var answer = await TellAsync(WithTokenAsync(HttpMethod.Get, $"{options.Mount}/certs?list=true", body: null, cancellationToken));

        // An empty list is a 404 to Vault.
        if (answer.Status == HttpStatusCode.NotFound)
        {
            return [];
        }

        return answer.Succeeded
            ? Read<IReadOnlyList<string>>(
                "a list", () => [.. answer.Data.GetProperty("keys").EnumerateArray().Select(key => key.GetString()!)])
            : throw VaultFault.OfQuestion(http.Issuer, answer);
    }

    public async Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(HttpMethod.Get, $"{options.Mount}/cert/{serialNumber}", null, null, cancellationToken);
        if (answer.Status == HttpStatusCode.NotFound)
        {
            return null;
        }

        return answer.Succeeded
            ? Read("a certificate", () => Decode(answer.Data.GetProperty("certificate").GetString()))
            : throw VaultFault.OfQuestion(http.Issuer, answer);
    }

    public async Task<VaultRole?> ReadRoleAsync(string role, CancellationToken cancellationToken)
    {
        var answer = await TellAsync(WithTokenAsync(HttpMethod.Get, $"{options.Mount}/roles/{role}", body: null, cancellationToken));
        return answer.Status switch
        {
            HttpStatusCode.Forbidden => null,
            HttpStatusCode.NotFound =>
                throw new IssuerMisconfiguredException($"Vault {http.Issuer} has no role '{role}' at {options.Mount}"),
            _ => answer.Succeeded
                ? Read("a role", () => new VaultRole(role, answer.Data))
                : throw VaultFault.OfQuestion(http.Issuer, answer),
        };
    }

    public async Task<TimeSpan?> ReadLifetimeMaxAsync(CancellationToken cancellationToken)
    {
        var answer = await TellAsync(WithTokenAsync(HttpMethod.Get, $"sys/mounts/{options.Mount}/tune", body: null, cancellationToken));
        if (answer.Succeeded)
        {
            return Read<TimeSpan?>(
                "a mount's tuning",
                () => answer.Data.TryGetProperty("max_lease_ttl", out var most) ? TimeSpan.FromSeconds(most.GetInt64()) : null);
        }

        // Refused for good, or hidden by a proxy: the first certificate will tell.
        var fault = VaultFault.OfQuestion(http.Issuer, answer);
        return fault is IssuerMisconfiguredException ? null : throw fault;
    }

    private async Task<VaultSigned> SignAsync(string operation, object body, CancellationToken cancellationToken)
    {
        var answer = await WithTokenAsync(HttpMethod.Post, $"{options.Mount}/{operation}", body, cancellationToken);
        if (!answer.Succeeded)
        {
            throw VaultFault.OfOrder(http.Issuer, answer);
        }

        try
        {
            return new VaultSigned(Decode(answer.Data.GetProperty("certificate").GetString()), ChainOf(answer.Data));
        }
        catch (Exception foreign) when (IsForeign(foreign))
        {
            // It says that it signed: whatever it signed is out there.
            throw new IssuerOutcomeUnknownException($"Vault {http.Issuer} answered success and no certificate", foreign);
        }
    }

    private async Task<VaultAnswer> WithTokenAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        var token = await session.GetTokenAsync(cancellationToken);
        var answer = await http.SendAsync(method, path, body, token, cancellationToken);
        if (answer.Status != HttpStatusCode.Forbidden)
        {
            return answer;
        }

        // Refused before anything was done: the token ended early, or was revoked. Asking again makes no second certificate.
        session.Invalidate(token);
        var fresh = await session.GetTokenAsync(cancellationToken);
        return fresh == token ? answer : await http.SendAsync(method, path, body, fresh, cancellationToken);
    }

    private static async Task<VaultAnswer> TellAsync(Task<VaultAnswer> repeatable)
    {
        try
        {
            return await repeatable;
        }
        catch (IssuerOutcomeUnknownException lost)
        {
            throw new IssuerUnavailableException(lost.Message, lost);
        }
    }

    private T Read<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception foreign) when (IsForeign(foreign))
        {
            throw new IssuerMisconfiguredException($"Vault {http.Issuer} answered something that is not {what}", foreign);
        }
    }

    private static IReadOnlyList<byte[]> ChainOf(JsonElement data) =>
        data.TryGetProperty("ca_chain", out var chain) && chain.ValueKind == JsonValueKind.Array
            ? [.. chain.EnumerateArray().Select(one => Decode(one.GetString()))]
            : [];

    private static byte[] Decode(string? pem) => PemCertificates.ReadDer(pem ?? "")[0];

    private static bool IsForeign(Exception fault) =>
        fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or CryptographicException;
}
