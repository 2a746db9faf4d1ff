using System.Text.Json;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>A token and how long it holds.</summary>
/// <param name="Token">The token.</param>
/// <param name="Lifetime">From its last renewal; zero for ever.</param>
/// <param name="Renewable">Whether it can be renewed.</param>
internal sealed record VaultGrant(string Token, TimeSpan Lifetime, bool Renewable)
{
    // Not the token: records print themselves.
    public override string ToString() => $"grant of {Lifetime}";
}

/// <summary>The calls that get a token and keep it. Reads its secrets anew each time: someone may have replaced them.</summary>
internal sealed class VaultLogin(VaultClient http, VaultLoginOptions options)
{
    /// <summary>Logs in.</summary>
    /// <exception cref="IssuerMisconfiguredException">Vault does not let us in, or a secret cannot be read.</exception>
    /// <exception cref="IssuerUnavailableException">Vault did not answer.</exception>
    public async Task<VaultGrant> LogInAsync(CancellationToken cancellationToken)
    {
        if (options.Method is VaultLoginMethod.Token)
        {
            return await LookUpAsync(Secret(options.TokenFile!), cancellationToken);
        }

        var (mount, body) = options.Method switch
        {
            VaultLoginMethod.AppRole => ("approle", (object)new AppRoleBody(Secret(options.RoleIdFile!), Secret(options.SecretIdFile!))),
            VaultLoginMethod.Certificate => ("cert", new CertificateBody(options.Role!)),
            VaultLoginMethod.Kubernetes => ("kubernetes", new KubernetesBody(options.Role!, Secret(options.JwtFile))),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var path = $"auth/{options.Mount ?? mount}/login";
        var answer = await http.AskAsync(HttpMethod.Post, path, body, token: null, cancellationToken);
        return answer.Succeeded ? ReadAuth(answer) : throw VaultFault.OfQuestion(http.Issuer, answer);
    }

    /// <summary>Renews a token for as long as it was first given; null when Vault refuses.</summary>
    /// <exception cref="IssuerUnavailableException">Vault did not answer.</exception>
    public async Task<VaultGrant?> RenewAsync(VaultGrant grant, CancellationToken cancellationToken)
    {
        var body = new RenewBody($"{(long)grant.Lifetime.TotalSeconds}s");
        var answer = await http.AskAsync(HttpMethod.Post, "auth/token/renew-self", body, grant.Token, cancellationToken);
        if (answer.Succeeded)
        {
            return ReadAuth(answer);
        }

        return (int)answer.Status is 400 or 403 ? null : throw VaultFault.OfQuestion(http.Issuer, answer);
    }

    private async Task<VaultGrant> LookUpAsync(string token, CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(HttpMethod.Get, "auth/token/lookup-self", body: null, token, cancellationToken);
        if (!answer.Succeeded)
        {
            throw VaultFault.OfQuestion(http.Issuer, answer);
        }

        return Read(answer, () =>
        {
            var data = answer.Data;
            var renewable = data.TryGetProperty("renewable", out var value) && value.ValueKind == JsonValueKind.True;
            return new VaultGrant(token, TimeSpan.FromSeconds(data.GetProperty("ttl").GetInt64()), renewable);
        });
    }

    private VaultGrant ReadAuth(VaultAnswer answer) => Read(answer, () =>
    {
        var auth = answer.Auth;
        return new VaultGrant(
            auth.GetProperty("client_token").GetString() ?? throw new JsonException("no token"),
            TimeSpan.FromSeconds(auth.GetProperty("lease_duration").GetInt64()),
            auth.GetProperty("renewable").GetBoolean());
    });

    private VaultGrant Read(VaultAnswer answer, Func<VaultGrant> read)
    {
        try
        {
            return read();
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new IssuerMisconfiguredException(
                $"what answered {(int)answer.Status} to the login of {http.Issuer} is not Vault", foreign);
        }
    }

    private static string Secret(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new IssuerMisconfiguredException($"{path} cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private sealed record AppRoleBody(string RoleId, string SecretId);

    private sealed record CertificateBody(string Name);

    private sealed record KubernetesBody(string Role, string Jwt);

    private sealed record RenewBody(string Increment);
}
