using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ControlPlane.TestKit;

/// <summary>
/// A fake of Vault's HTTP interface, not Vault: written from its documented contract, because no Vault can be had here. It refuses what
/// the real one refuses (verbs, tokens, policies, namespaces, role rules, numbers that it did not store) and says that it is a fake.
/// </summary>
public sealed class FakeVault : IAsyncDisposable
{
    private const string Version = "0.0.0-fake";

    private readonly FakeVaultSettings _settings;
    private readonly WebApplication _application;
    private int _requests;

    private FakeVault(FakeVaultSettings settings)
    {
        _settings = settings;
        Pki = new FakeVaultPki(TestAuthority.Create(settings.Key));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (settings.Tls is { } pki)
            {
                var files = pki.ServerCertificate("vault");
                listen.UseHttps(X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath), https =>
                {
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    https.AllowAnyClientCertificate();
                });
            }
        }));
        if (settings.Tls is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>Where it listens; after the start.</summary>
    public Uri Url => new(_application.Urls.First());

    public FakeVaultPki Pki { get; }

    public FakeVaultTokens Tokens { get; } = new();

    /// <summary>What it does wrong with orders.</summary>
    public VaultTrick Trick { get; set; }

    /// <summary>What it answers to a revocation, which it then does not do; null for what is right.</summary>
    public (int Status, string Body)? RevocationAnswer { get; set; }

    /// <summary>What <c>sys/health</c> answers: 200, 429, 472, 473, 501 or 503. Above 500 and at 472 nothing else works either.</summary>
    public int HealthStatus { get; set; } = 200;

    /// <summary>How far its clock is from ours.</summary>
    public TimeSpan ClockDifference { get; set; }

    /// <summary>How many calls it saw, those that it refused included.</summary>
    public int Requests => _requests;

    public static async Task<FakeVault> StartAsync(FakeVaultSettings? settings = null)
    {
        var vault = new FakeVault(settings ?? new FakeVaultSettings());
        await vault._application.StartAsync();
        return vault;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        Pki.Authority.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        context.Response.Headers["X-Fake"] = "FakeVault, not Vault";
        if (_settings.Latency > TimeSpan.Zero)
        {
            await Task.Delay(_settings.Latency, TimeProvider.System, context.RequestAborted);
        }

        var path = context.Request.Path.Value!.Trim('/').Split('/');
        await ((context.Request.Headers["X-Vault-Request"] == "true", path) switch
        {
            (false, _) => FailAsync(context, 412, "missing 'X-Vault-Request' header"),
            (_, ["v1", "sys", "health"]) => HealthAsync(context),
            _ when HealthStatus is 472 or >= 500 => FailAsync(context, 503, "Vault is sealed"),
            _ when context.Request.Headers["X-Vault-Namespace"].ToString().Trim('/') != (_settings.Namespace ?? "").Trim('/') =>
                FailAsync(context, 404, "no handler for route"),
            (_, ["v1", "auth", "token", var operation]) => TokenAsync(context, operation),
            (_, ["v1", "auth", var method, "login"]) => LogInAsync(context, method),
            (_, ["v1", "sys", "mounts", "pki", "tune"]) => TuneAsync(context),
            (_, ["v1", "pki", .. var rest]) => PkiAsync(context, rest),
            _ => FailAsync(context, 404, "no handler for route"),
        });
    }

    private Task HealthAsync(HttpContext context) => AnswerAsync(
        context,
        new JsonObject
        {
            ["initialized"] = HealthStatus != 501,
            ["sealed"] = HealthStatus == 503,
            ["standby"] = HealthStatus is 429 or 473,
            ["version"] = Version,
            ["server_time_utc"] = (TimeProvider.System.GetUtcNow() + ClockDifference).ToUnixTimeSeconds(),
        },
        HealthStatus);

    private async Task LogInAsync(HttpContext context, string method)
    {
        if (!IsWrite(context))
        {
            await FailAsync(context, 405, "unsupported operation");
            return;
        }

        var certificate = await context.Connection.GetClientCertificateAsync(context.RequestAborted);
        var (auth, error) = Tokens.LogIn(method, await BodyAsync(context), certificate is not null);
        await (auth is null
            ? FailAsync(context, error == "permission denied" ? 403 : 400, error)
            : AnswerAsync(context, new JsonObject { ["auth"] = auth }));
    }

    private async Task TokenAsync(HttpContext context, string operation)
    {
        var token = context.Request.Headers["X-Vault-Token"].ToString();
        switch (operation)
        {
            case var _ when !Tokens.Holds(token):
                await FailAsync(context, 403, "permission denied");
                break;
            case "lookup-self" when !IsWrite(context):
                await AnswerAsync(context, new JsonObject { ["data"] = Tokens.LookUp(token) });
                break;
            case "renew-self" when IsWrite(context):
                await (Tokens.Renew(token) is { } auth
                    ? AnswerAsync(context, new JsonObject { ["auth"] = auth })
                    : FailAsync(context, 400, "lease is not renewable"));
                break;
            default:
                await FailAsync(context, 405, "unsupported operation");
                break;
        }
    }

    private Task TuneAsync(HttpContext context) =>
        Pki.MayReadTune && Tokens.Holds(context.Request.Headers["X-Vault-Token"].ToString())
            ? AnswerAsync(context, Data(new JsonObject { ["max_lease_ttl"] = (long)Pki.LeaseMax.TotalSeconds }))
            : FailAsync(context, 403, "1 error occurred:\n\t* permission denied\n\n");

    private Task PkiAsync(HttpContext context, string[] path) => path switch
    {
        ["issuer", "default", "json"] => AnswerAsync(context, Data(new JsonObject
        {
            ["certificate"] = Pki.Authority.Certificate.ExportCertificatePem(),
            ["ca_chain"] = Pki.ChainJson(),
        })),
        ["issuer", "default", "crl", "der"] => context.Response.Body.WriteAsync(Pki.RevocationList()).AsTask(),
        ["cert", var serial] => Pki.Read(serial) is { } der
            ? AnswerAsync(context, Data(new JsonObject
            {
                ["certificate"] = System.Security.Cryptography.PemEncoding.WriteString("CERTIFICATE", der),
            }))
            : FailAsync(context, 404),
        _ when !Tokens.Holds(context.Request.Headers["X-Vault-Token"].ToString()) => FailAsync(context, 403, "permission denied"),
        ["certs"] when context.Request.Query["list"] == "true" => Pki.StoredSerials.Count == 0
            ? FailAsync(context, 404)
            : AnswerAsync(
                context, Data(new JsonObject { ["keys"] = new JsonArray([.. Pki.StoredSerials.Select(key => JsonValue.Create(key))]) })),
        ["roles", var name] when !IsWrite(context) => Pki.Roles.TryGetValue(name, out var role)
            ? role.Allowed ? AnswerAsync(context, Data(role.ToJson())) : FailAsync(
                context, 403, "1 error occurred:\n\t* permission denied\n\n")
            : FailAsync(context, 404),
        ["sign" or "sign-verbatim" or "revoke", ..] when !IsWrite(context) => FailAsync(context, 405, "unsupported operation"),
        ["sign", var role] => SignAsync(context, role, verbatim: false),
        ["sign-verbatim", var role] => SignAsync(context, role, verbatim: true),
        ["revoke"] => RevokeAsync(context),
        _ => FailAsync(context, 404, "unsupported path"),
    };

    private async Task SignAsync(HttpContext context, string roleName, bool verbatim)
    {
        if (!Pki.Roles.TryGetValue(roleName, out var role))
        {
            await FailAsync(context, 400, $"unknown role: {roleName}");
            return;
        }

        if (!role.Allowed)
        {
            await FailAsync(context, 403, "1 error occurred:\n\t* permission denied\n\n");
            return;
        }

        if (Trick is VaultTrick.ThrottlesWithTime or VaultTrick.ThrottlesWithoutTime)
        {
            context.Response.Headers.RetryAfter = Trick is VaultTrick.ThrottlesWithTime ? "7" : default;
            await FailAsync(context, 429, "request path \"pki/sign\": rate limit quota exceeded");
            return;
        }

        var (data, error) = Pki.Sign(role, await BodyAsync(context), verbatim, Trick);
        await (data is null ? FailAsync(context, 400, error) : AnswerOrderAsync(context, data));
    }

    private async Task AnswerOrderAsync(HttpContext context, JsonObject data)
    {
        switch (Trick)
        {
            case VaultTrick.Silent:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                break;
            case VaultTrick.LosesTheAnswer:
                context.Abort();
                break;
            case VaultTrick.AuditFails:
                await FailAsync(context, 500, "failed to audit response");
                break;
            case VaultTrick.Garbage:
                await context.Response.WriteAsync("<html>It works!</html>");
                break;
            default:
                await AnswerAsync(context, Data(data));
                break;
        }
    }

    private async Task RevokeAsync(HttpContext context)
    {
        if (RevocationAnswer is { } instead)
        {
            context.Response.StatusCode = instead.Status;
            await (instead.Body.Length > 0 ? context.Response.WriteAsync(instead.Body) : Task.CompletedTask);
            return;
        }

        var (at, error) = Pki.Revoke(await BodyAsync(context));
        await (at is null
            ? FailAsync(context, 400, error)
            : AnswerAsync(context, Data(new JsonObject { ["revocation_time"] = at.Value.ToUnixTimeSeconds(), ["state"] = "revoked" })));
    }

    private static bool IsWrite(HttpContext context) => context.Request.Method is "POST" or "PUT";

    private static JsonObject Data(JsonObject data) => new() { ["request_id"] = "fake", ["data"] = data, ["warnings"] = null };

    private static async Task<JsonObject> BodyAsync(HttpContext context)
    {
        var body = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        return body as JsonObject ?? throw new JsonException("not an object");
    }

    private static Task FailAsync(HttpContext context, int status, params string[] errors) => AnswerAsync(
        context, new JsonObject { ["errors"] = new JsonArray([.. errors.Select(error => JsonValue.Create(error))]) }, status);

    private static Task AnswerAsync(HttpContext context, JsonObject answer, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(answer.ToJsonString());
    }
}
