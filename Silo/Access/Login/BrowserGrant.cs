using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Extensions;

namespace ControlPlane.Access;

/// <summary>
/// Signs a person in by a browser on this machine: authorization code with PKCE, sent back to a port of the loopback (RFC 8252).
/// </summary>
/// <param name="client">How the provider is reached.</param>
/// <param name="open">Shows a page to the person.</param>
/// <param name="time">The clock.</param>
internal sealed class BrowserGrant(OidcClient client, Action<string> open, TimeProvider time)
{
    private const int SecretBytes = 32;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>The tokens, when the person has signed in.</summary>
    /// <exception cref="SignInException">They have not, or the provider cannot do it.</exception>
    public async Task<OidcTokenAnswer> SignInAsync(SignInHint hint, CancellationToken cancellationToken)
    {
        var endpoints = await client.DiscoverAsync(hint.Issuer, cancellationToken);
        if (endpoints.AuthorizationEndpoint is not { Length: > 0 } authorize)
        {
            throw new SignInException($"{hint.Issuer} names no endpoint for browsers");
        }

        var (verifier, state) = (NewSecret(), NewSecret());
        var returned = new TaskCompletionSource<IQueryCollection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = Listener(state, returned);
        await listener.StartAsync(cancellationToken);
        var back = listener.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/";
        open(authorize + new QueryBuilder
        {
            { "client_id", hint.ClientId },
            { "response_type", "code" },
            { "scope", string.Join(' ', hint.Scopes) },
            { "redirect_uri", back },
            { "state", state },
            { "code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))) },
            { "code_challenge_method", "S256" },
        });
        var code = CodeOf(await WaitAsync(returned.Task, cancellationToken), endpoints);
        return await client.ExchangeAsync(
            endpoints,
            new()
            {
                ["grant_type"] = "authorization_code",
                ["client_id"] = hint.ClientId,
                ["code"] = code,
                ["redirect_uri"] = back,
                ["code_verifier"] = verifier,
            },
            cancellationToken);
    }

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    // Whatever else comes to the port, such as a page that guesses it, is not what was asked for, and ends nothing.
    private static WebApplication Listener(string state, TaskCompletionSource<IQueryCollection> returned)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var listener = builder.Build();
        listener.Run(async context =>
        {
            var isOurs = context.Request.Path == "/" && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(context.Request.Query["state"].ToString()), Encoding.UTF8.GetBytes(state));
            context.Response.StatusCode = isOurs ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(isOurs ? "You can close this page, and go on in the terminal." : "Not found.");
            await context.Response.CompleteAsync();
            if (isOurs)
            {
                returned.TrySetResult(context.Request.Query);
            }
        });
        return listener;
    }

    private async Task<IQueryCollection> WaitAsync(Task<IQueryCollection> returned, CancellationToken cancellationToken)
    {
        try
        {
            return await returned.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException late)
        {
            throw new SignInException("nobody signed in in time; try again", late) { IsRefusal = true };
        }
    }

    // Another provider's answer, mixed up on its way, is not taken to this one (RFC 9207).
    private static string CodeOf(IQueryCollection answer, OidcEndpoints endpoints) =>
        answer["error"].ToString() is { Length: > 0 } error
            ? throw new SignInException($"signing in failed: {error} {answer["error_description"]}".TrimEnd()) { IsRefusal = true }
        : answer.TryGetValue("iss", out var issuer) && issuer != endpoints.Issuer
            ? throw new SignInException($"the answer is of '{issuer}' and not of '{endpoints.Issuer}'")
        : answer["code"].ToString() is { Length: > 0 } code ? code
        : throw new SignInException("the identity provider gave no code");
}
