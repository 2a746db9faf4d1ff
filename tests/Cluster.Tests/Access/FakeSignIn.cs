using System.Security.Cryptography;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>
/// A strict fake of an identity provider and of a control plane's login: refuses another client, another code, a code that is used, and who
/// asks before the person signed in; gives a user token for an ID token of its own and the proof of the key.
/// </summary>
internal sealed class FakeSignIn : IAsyncDisposable
{
    public const string ClientId = "choria-login";

    private const string DeviceCode = "device-0123456789";

    private readonly WebApplication app;
    private readonly RSA key = RSA.Create(2048);
    private readonly Ed25519Key issuer = Ed25519Key.Generate();
    private int polls;
    private bool used;

    private FakeSignIn(WebApplication app) => this.app = app;

    public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public string Issuer => Url.AbsoluteUri.TrimEnd('/');

    /// <summary>How often it says that the person has not signed in yet.</summary>
    public int Pending { get; set; } = 1;

    /// <summary>What it answers instead of a token.</summary>
    public string? Error { get; set; }

    /// <summary>Whether the login refuses.</summary>
    public bool Refuses { get; set; }

    public static async Task<FakeSignIn> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var fake = new FakeSignIn(app);
        app.UseRouting();
        app.MapGet("/.well-known/openid-configuration", () => Json(new
        {
            issuer = fake.Issuer,
            device_authorization_endpoint = $"{fake.Issuer}/device",
            token_endpoint = $"{fake.Issuer}/token",
            jwks_uri = $"{fake.Issuer}/keys",
        }));
        app.MapGet("/keys", () => Json(new { keys = new[] { fake.PublicKey() } }));
        app.MapPost("/device", (HttpContext context) => fake.StartDevice(context.Request.Form));
        app.MapPost("/token", (HttpContext context) => fake.GiveIdToken(context.Request.Form));
        app.MapGet("/choria/v1/login/options", () => Json(new { issuer = fake.Issuer, client_id = ClientId, scopes = new[] { "openid" } }));
        app.MapPost("/choria/v1/login", (Delegate)fake.LogInAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return fake;
    }

    public string IdToken(string audience = ClientId, RSA? by = null, TimeSpan? begun = null, string type = "JWT", string? issuedBy = null)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime + (begun ?? TimeSpan.Zero);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuedBy ?? Issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddMinutes(5),
            TokenType = type,
            Claims = new Dictionary<string, object> { ["sub"] = "dana", ["groups"] = new[] { "operators" } },
            SigningCredentials = new SigningCredentials(
                new RsaSecurityKey(by ?? key) { KeyId = "1" }, SecurityAlgorithms.RsaSha256),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        key.Dispose();
        issuer.Dispose();
    }

    private object PublicKey()
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", kid = "1", n = Text(parameters.Modulus!), e = Text(parameters.Exponent!) };

        static string Text(byte[] number) => System.Buffers.Text.Base64Url.EncodeToString(number);
    }

    private IResult StartDevice(IFormCollection form) => form["client_id"] == ClientId
        && form["scope"].ToString().Split(' ').Contains("openid")
        ? Json(new
        {
            device_code = DeviceCode,
            user_code = "ABCD-EFGH",
            verification_uri = $"{Issuer}/activate",
            expires_in = 60,
            interval = 0,
        })
        : Json(new { error = "invalid_client" }, StatusCodes.Status401Unauthorized);

    private IResult GiveIdToken(IFormCollection form)
    {
        if (form["client_id"] != ClientId || form["device_code"] != DeviceCode || used
            || form["grant_type"] != "urn:ietf:params:oauth:grant-type:device_code")
        {
            return Json(new { error = "invalid_grant" }, StatusCodes.Status400BadRequest);
        }

        if (Error is not null || polls++ < Pending)
        {
            return Json(new { error = Error ?? "authorization_pending" }, StatusCodes.Status400BadRequest);
        }

        used = true;
        return Json(new { id_token = IdToken(), access_token = "none of ours", token_type = "Bearer" });
    }

    private async Task<IResult> LogInAsync(HttpContext context)
    {
        var message = (await System.Text.Json.JsonSerializer.DeserializeAsync(
            context.Request.Body, ChoriaMessages.Default.LoginMessage, context.RequestAborted))!;
        var statement = ChoriaLogInQuestion.StatementOfIdToken(message.Timestamp!, message.PublicKey!, message.IdToken!);
        if (Refuses || !Ed25519Key.VerifyHex(message.PublicKey, Encoding.UTF8.GetBytes(statement), message.Signature))
        {
            return Json(new { error = "Login failed", detail = "invalid sig" });
        }

        var claims = new ClientClaims { CallerId = "oidc=dana", PublicKey = message.PublicKey, OrganizationUnit = "choria" };
        return Json(new
        {
            token = TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow()),
        });
    }

    private static IResult Json(object value, int status = StatusCodes.Status200OK) =>
        Results.Json(value, new System.Text.Json.JsonSerializerOptions(), statusCode: status);
}
