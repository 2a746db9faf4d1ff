using System.Buffers.Text;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Web;

namespace ControlPlane.IdentityProvider;

/// <summary>Signs people and programs in at a provider, as their browsers and programs would.</summary>
public sealed class TestSignIn(TestIdentityProvider provider) : IDisposable
{
    private const string Redirect = "http://127.0.0.1:9/";

    private readonly HttpClient _http = new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = provider.Issuer };

    /// <summary>The tokens of somebody who signs in by authorization code with PKCE.</summary>
    public async Task<JsonElement> PersonAsync(string user, bool secondFactor, CancellationToken cancellationToken)
    {
        var verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var asked = new Dictionary<string, string>
        {
            ["client_id"] = TestClients.CommandLine,
            ["response_type"] = "code",
            ["scope"] = $"openid groups offline_access {TestClients.Audience}",
            ["redirect_uri"] = Redirect,
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))),
            ["code_challenge_method"] = "S256",
        };
        var sent = await SubmitAsync(new Uri("connect/authorize", UriKind.Relative), asked, user, secondFactor, cancellationToken);
        return await TokenAsync(
            new()
            {
                ["grant_type"] = "authorization_code",
                ["client_id"] = TestClients.CommandLine,
                ["code"] = HttpUtility.ParseQueryString(sent.Query)["code"]!,
                ["redirect_uri"] = Redirect,
                ["code_verifier"] = verifier,
            },
            cancellationToken);
    }

    /// <summary>The access token of a program.</summary>
    public async Task<string> RobotAsync(CancellationToken cancellationToken)
    {
        var answer = await TokenAsync(
            new()
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = TestClients.Robot,
                ["client_secret"] = TestClients.Secret,
                ["scope"] = TestClients.Audience,
            },
            cancellationToken);
        return answer.GetProperty("access_token").GetString()!;
    }

    /// <summary>Fills in the form that a client's request led to.</summary>
    /// <returns>Where the browser is sent then.</returns>
    public Task<Uri> SubmitAsync(Uri authorize, string user, bool secondFactor, CancellationToken cancellationToken)
    {
        var query = HttpUtility.ParseQueryString(authorize.Query);
        return SubmitAsync(
            new Uri(authorize.GetLeftPart(UriPartial.Path)),
            query.AllKeys.ToDictionary(key => key!, key => query[key]!),
            user,
            secondFactor,
            cancellationToken);
    }

    /// <summary>Types a device's code in, and signs in for it.</summary>
    public async Task ApproveAsync(string userCode, string user, bool secondFactor, CancellationToken cancellationToken)
    {
        using var form = Form(new() { ["user_code"] = userCode }, user, secondFactor);
        using var answer = await _http.PostAsync("connect/verify", form, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public void Dispose() => _http.Dispose();

    private async Task<Uri> SubmitAsync(
        Uri authorize, Dictionary<string, string> asked, string user, bool secondFactor, CancellationToken cancellationToken)
    {
        using var form = Form(asked, user, secondFactor);
        using var answer = await _http.PostAsync(authorize, form, cancellationToken);
        return answer.Headers.Location ?? throw new InvalidOperationException(
            $"the provider answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
    }

    private static FormUrlEncodedContent Form(Dictionary<string, string> fields, string user, bool secondFactor) => new(
        [.. fields, new("username", user), new("password", user), new("code", secondFactor ? TestUser.OneTimeCode : "")]);

    private async Task<JsonElement> TokenAsync(Dictionary<string, string> fields, CancellationToken cancellationToken)
    {
        using var form = new FormUrlEncodedContent(fields);
        using var answer = await _http.PostAsync("connect/token", form, cancellationToken);
        var json = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return answer.IsSuccessStatusCode ? json : throw new InvalidOperationException($"the provider refused: {json}");
    }
}
