using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Vault;

/// <summary>
/// The calls of a PKI mount that we need. A token that Vault refuses is replaced once; whoever is refused with a fresh one may not.
/// Thread-safe.
/// </summary>
internal sealed class VaultPki(VaultClient http, VaultSession session, VaultOptions options)
{
    /// <summary>Has a request signed by a role. Each call makes a certificate.</summary>
    /// <param name="operation"><c>sign/{role}</c>, or <c>sign-verbatim/{role}</c>.</param>
    /// <param name="body">What that takes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<SignedCertificate> SignAsync(string operation, object body, CancellationToken cancellationToken)
    {
        var answer = await WithTokenAsync(HttpMethod.Post, $"{options.Mount}/{operation}", body, cancellationToken);
        if (!answer.Succeeded)
        {
            throw VaultFault.OfOrder(http.Issuer, answer);
        }

        try
        {
            return new SignedCertificate(Decode(answer.Data.GetProperty("certificate").GetString()), ChainOf(answer.Data));
        }
        catch (Exception foreign) when (CaAnswer.IsForeign(foreign))
        {
            // It says that it signed: whatever it signed is out there.
            throw new IssuerOutcomeUnknownException($"Vault {http.Issuer} answered success and no certificate", foreign);
        }
    }

    /// <summary>Asks how this Vault stands, by status codes that mean other things than those of every other path.</summary>
    public async Task<VaultStatus> ReadStatusAsync(CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(HttpMethod.Get, "sys/health?perfstandbyok=true", body: null, token: null, cancellationToken);
        var (usable, detail) = (int)answer.Status switch
        {
            200 => (true, "active"),

            // Not a quota, as 429 is elsewhere: an unsealed standby, which forwards to the active node.
            429 => (true, "a standby that forwards"),
            473 => (true, "a performance standby"),
            472 => (false, "a disaster recovery secondary"),
            501 => (false, "not initialised"),
            503 => (false, "sealed"),
            var other => (false, $"answered {other}"),
        };
        return new VaultStatus(usable, detail, answer.ServerTime);
    }

    /// <summary>Revokes a stored certificate by its serial number (<c>aa:bb:…</c>), or any by itself. Repeatable.</summary>
    public async Task RevokeAsync(VaultRevocation revocation, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(HttpMethod.Post, $"{options.Mount}/revoke", revocation, cancellationToken);
        if (answer.SaysRevoked)
        {
            return;
        }

        // A certificate that has ended is left out of the list, with success and a warning. 400: it did not store the certificate, or
        // another CA issued it.
        throw (answer.Succeeded && answer.Warnings.Length > 0) || answer.Status == HttpStatusCode.BadRequest
            ? new IssuerRefusedException($"Vault {http.Issuer} did not revoke: {answer} {answer.Warnings}")
            : answer.Succeeded
                ? new IssuerUnavailableException($"Vault {http.Issuer} answered {answer} to a revocation, and not that it was done")
                : VaultFault.OfQuestion(http.Issuer, answer);
    }

    /// <summary>The issuer's certificate and those above it, DER.</summary>
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

    /// <summary>The issuer's revocation list, DER.</summary>
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

    /// <summary>The serial numbers of all stored certificates.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var answer = await AskAsync(HttpMethod.Get, $"{options.Mount}/certs?list=true", body: null, cancellationToken);

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

    /// <summary>A stored certificate, DER; null when it has gone.</summary>
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

    /// <summary>What a role says that it does; null when our policy does not let us read it.</summary>
    public async Task<VaultRole?> ReadRoleAsync(string role, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(HttpMethod.Get, $"{options.Mount}/roles/{role}", body: null, cancellationToken);
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

    /// <summary>The longest life that the mount gives (<c>max_lease_ttl</c>); null when our policy does not let us read it.</summary>
    public async Task<TimeSpan?> ReadLifetimeMaxAsync(CancellationToken cancellationToken)
    {
        var answer = await AskAsync(HttpMethod.Get, $"sys/mounts/{options.Mount}/tune", body: null, cancellationToken);
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

    private Task<VaultAnswer> AskAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken) =>
        CaClient.RepeatableAsync(WithTokenAsync(method, path, body, cancellationToken));

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

    private T Read<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception foreign) when (CaAnswer.IsForeign(foreign))
        {
            throw new IssuerMisconfiguredException($"Vault {http.Issuer} answered something that is not {what}", foreign);
        }
    }

    private static IReadOnlyList<byte[]> ChainOf(JsonElement data) =>
        data.TryGetProperty("ca_chain", out var chain) && chain.ValueKind == JsonValueKind.Array
            ? [.. chain.EnumerateArray().Select(one => Decode(one.GetString()))]
            : [];

    private static byte[] Decode(string? pem) => PemCertificates.ReadDer(pem ?? "")[0];
}
