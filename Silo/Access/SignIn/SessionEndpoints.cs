using System.ComponentModel;
using ControlPlane.Api;
using ControlPlane.Store;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>Sessions at the console: which there are, and ending them.</summary>
internal static class SessionEndpoints
{
    /// <summary>The most sessions of a page.</summary>
    public const int PageMax = 1000;

    private const int PageDefault = 100;
    private const int IdLength = 64;

    public static void MapSessions(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/access/sessions", ListAsync).WithName("ListSessions").WithTags("access").Requires(Permissions.AccessSessionsRead)
            .WithSummary("Who is signed in at the console of this site, a page at a time; none where nobody can sign in there.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapPost("/access/sessions/{id}:end", EndAsync).WithName("EndSession").WithTags("access").Requires(Permissions.AccessSessionsEnd)
            .WithSummary("Ends a session at once, at all silos of the site. Its person can sign in again where the provider lets them.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Ok<SessionPage>, ProblemHttpResult>> ListAsync(
        HttpContext context,
        [Description("The nextCursor of the page before; the first page without.")] string? cursor = null,
        [Description("Sessions per page, 1 to 1000.")] int limit = PageDefault)
    {
        if (limit is < 1 or > PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {PageMax}, is {limit}");
        }

        if (!string.IsNullOrEmpty(cursor) && !IsId(cursor))
        {
            return Problems.Malformed("cursor is not one that this API gave");
        }

        return TypedResults.Ok(SessionsOf(context) is { } sessions
            ? await AskAsync(() => sessions.ListAsync(string.IsNullOrEmpty(cursor) ? null : cursor, limit))
            : new SessionPage([], null));
    }

    private static async Task<Results<Ok<ConsoleSession>, ProblemHttpResult>> EndAsync(
        HttpContext context, string id, [FromBody] ReasonBody body) =>
        !GivenReason.TryRead(body.Reason, out _) ? Problems.Malformed(GivenReason.Rule)
        : IsId(id) && SessionsOf(context) is { } sessions && await AskAsync(() => sessions.EndAsync(id)) is { } ended
            ? TypedResults.Ok(ended)
            : Problems.Unknown("session", $"there is no session '{id}' (any more)");

    // Only where people can sign in at the console.
    private static RedisSessions? SessionsOf(HttpContext context) => context.RequestServices.GetService<RedisSessions>();

    private static bool IsId(string id) => id.Length == IdLength && id.All(char.IsAsciiHexDigitLower);

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (RedisException away)
        {
            throw new StoreUnavailableException($"the sessions cannot be asked now: {away.Message}", away);
        }
    }
}
