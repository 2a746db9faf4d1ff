using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// What Choria's own command line calls, as its AAA service answers: whatever comes of it, the status is 200. Who asks shows that in the
/// body.
/// </summary>
internal static class ChoriaEndpoints
{
    // A user's token is a kilobyte or two, a request a hundred kilobytes at most, and base64 makes a third more of it.
    private const int LoginBytesMax = 64 * 1024;
    private const int SignBytesMax = 256 * 1024;

    private const string LoginFailed = "Login failed";
    private const string RequestDenied = "Request denied";

    private const string Root = "/choria/v1";

    /// <summary>Whether a request is one of theirs, who show their proof in the body.</summary>
    public static bool IsFor(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    public static void MapChoria(this IEndpointRouteBuilder app)
    {
        var choria = app.MapGroup(Root).AllowAnonymous();
        choria.MapPost("/login", LogInAsync).WithMetadata(new RequestSizeLimitAttribute(LoginBytesMax)).ExcludeFromDescription();
        choria.MapPost("/sign", SignAsync).WithMetadata(new RequestSizeLimitAttribute(SignBytesMax)).ExcludeFromDescription();
        choria.MapGet("/login/options", Options).ExcludeFromDescription();
    }

    private static async Task<IResult> LogInAsync(HttpContext context, [FromServices] ChoriaLogIn logIn)
    {
        if (await ReadAsync(context, ChoriaMessages.Default.LoginMessage) is not { } message)
        {
            return Answer(new LoginReply(Error: LoginFailed, Detail: "the body cannot be read"), ChoriaMessages.Default.LoginReply);
        }

        var question = new ChoriaLogInQuestion(
            message.Username,
            message.Password,
            string.IsNullOrEmpty(message.IdToken) ? null : message.IdToken,
            message.PublicKey ?? "",
            message.Timestamp ?? "",
            message.Signature ?? "");
        var answer = await logIn.LogInAsync(question, Callers.AddressOf(context), context.RequestAborted) switch
        {
            ChoriaLogInAnswer.Admitted admitted => new LoginReply(admitted.Token),
            ChoriaLogInAnswer.Refused refused => new LoginReply(Error: LoginFailed, Detail: refused.Detail),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return Answer(answer, ChoriaMessages.Default.LoginReply);
    }

    private static async Task<IResult> SignAsync(HttpContext context, [FromServices] ChoriaSigner signer)
    {
        if (await ReadAsync(context, ChoriaMessages.Default.SignMessage) is not { } message)
        {
            return Answer(new SignReply(Error: RequestDenied, Detail: "the body cannot be read"), ChoriaMessages.Default.SignReply);
        }

        var question = new SignatureQuestion(message.Request ?? [], message.Token ?? "", message.Signature ?? "");
        var answer = await signer.SignAsync(question, SignatureWay.Http, Callers.AddressOf(context), context.RequestAborted) switch
        {
            SignatureAnswer.Signed signed => new SignReply(signed.SecureRequest.ToArray()),
            SignatureAnswer.Refused refused => new SignReply(Error: RequestDenied, Detail: refused.Reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return Answer(answer, ChoriaMessages.Default.SignReply);
    }

    private static Results<JsonHttpResult<SignInHint>, NotFound> Options([FromServices] IOptions<ChoriaSigningOptions> options) =>
        options.Value.Oidc is { } oidc
            ? TypedResults.Json(
                new SignInHint(oidc.Issuer, oidc.ClientId, oidc.ScopesOrDefault()), ChoriaMessages.Default.SignInHint)
            : TypedResults.NotFound();

    // What is larger than the route takes, or no such JSON, is answered like everything else.
    private static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted);
        }
        catch (Exception unreadable) when (unreadable is JsonException or BadHttpRequestException or FormatException)
        {
            return null;
        }
    }

    private static JsonHttpResult<T> Answer<T>(T reply, JsonTypeInfo<T> type) => TypedResults.Json(reply, type, "application/json");
}
