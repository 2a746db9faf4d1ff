using System.ComponentModel;
using System.Text;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace ControlPlane.Access;

/// <summary>Choria user tokens: which there are, and revoking them.</summary>
internal static class ChoriaTokenEndpoints
{
    private const int PageDefault = 100;
    private const int IdLengthMax = 256;

    public static void MapChoriaTokens(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/access/tokens", ListAsync).WithName("ListChoriaTokens").WithTags("access").Requires(Permissions.AccessTokensRead)
            .WithSummary("Choria user tokens that have not ended, revoked ones among them, a page at a time.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapPost("/access/tokens/{id}:revoke", RevokeAsync).WithName("RevokeChoriaToken").WithTags("access")
            .Requires(Permissions.AccessTokensRevoke)
            .WithSummary("Signs for a token no more. Brokers go on taking it until it ends. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Ok<ChoriaTokenPageBody>, ProblemHttpResult>> ListAsync(
        IGrainFactory grains,
        [Description("The nextCursor of the page before; the first page without.")] string? cursor = null,
        [Description("Tokens per page, 1 to 1000.")] int limit = PageDefault)
    {
        if (limit is < 1 or > IChoriaTokensGrain.PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {IChoriaTokensGrain.PageMax}, is {limit}");
        }

        if (!ChoriaTokenCursor.TryRead(cursor, out var after))
        {
            return Problems.Malformed("cursor is not one that this API gave");
        }

        var page = await grains.GetGrain<IChoriaTokensGrain>(0).List(after, limit);
        return TypedResults.Ok(new ChoriaTokenPageBody(page.Tokens, page.Next is { } next ? ChoriaTokenCursor.Write(next) : null));
    }

    private static async Task<Results<Ok<ChoriaUserToken>, ProblemHttpResult>> RevokeAsync(
        IGrainFactory grains, string id, [FromBody] ReasonBody body)
    {
        if (!GivenReason.TryRead(body.Reason, out var reason))
        {
            return Problems.Malformed(GivenReason.Rule);
        }

        return id.Length <= IdLengthMax && await grains.GetGrain<IChoriaTokensGrain>(0).Revoke(id, reason) is { } token
            ? TypedResults.Ok(token)
            : Problems.Unknown("token", $"no token '{id}' is known, or it has ended");
    }
}

/// <param name="Tokens">The page.</param>
/// <param name="NextCursor">What to ask for the next page with; null on the last one.</param>
internal sealed record ChoriaTokenPageBody(IReadOnlyList<ChoriaUserToken> Tokens, string? NextCursor);

/// <summary>Where a list of tokens goes on. Opaque to callers, so that it may become something else.</summary>
internal static class ChoriaTokenCursor
{
    private const int LengthMax = 1024;

    public static string Write(ChoriaTokenPlace place) =>
        WebEncoders.Base64UrlEncode(Encoding.UTF8.GetBytes($"t1.{place.Shard}.{place.Id}"));

    /// <summary>False when the text is no cursor of ours.</summary>
    public static bool TryRead(string? cursor, out ChoriaTokenPlace? place)
    {
        place = null;
        if (string.IsNullOrEmpty(cursor))
        {
            return true;
        }

        try
        {
            var parts = cursor.Length <= LengthMax ? Encoding.UTF8.GetString(WebEncoders.Base64UrlDecode(cursor)).Split('.', 3) : [];
            if (parts is not ["t1", var shard, var id] || !int.TryParse(shard, out var number) || number is < 0 or >= ChoriaTokens.Shards)
            {
                return false;
            }

            place = new ChoriaTokenPlace(number, id);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
