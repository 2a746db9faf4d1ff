using Microsoft.AspNetCore.Authentication;

namespace ControlPlane.Access;

/// <summary>A session of somebody who signed in at the console.</summary>
/// <param name="Id">Names it, and signs nobody in.</param>
/// <param name="Principal">Whose it is.</param>
/// <param name="Groups">The groups that the identity provider named.</param>
/// <param name="BegunAt">When they signed in; null where nobody knows.</param>
/// <param name="EndsAt">When it ends by itself.</param>
/// <param name="SecondFactorAt">When a second factor was shown; null when none was.</param>
internal sealed record ConsoleSession(
    string Id,
    string Principal,
    IReadOnlyList<string> Groups,
    DateTimeOffset? BegunAt,
    DateTimeOffset EndsAt,
    DateTimeOffset? SecondFactorAt)
{
    /// <summary>What a ticket says.</summary>
    public static ConsoleSession Of(string id, AuthenticationTicket ticket)
    {
        var caller = Callers.OfOrNull(ticket.Principal, address: null);
        return new ConsoleSession(
            id,
            caller?.Principal ?? "",
            caller?.Groups ?? [],
            ticket.Properties.IssuedUtc,
            ticket.Properties.ExpiresUtc ?? default,
            caller?.SecondFactorAt);
    }
}

/// <param name="Sessions">The page.</param>
/// <param name="NextCursor">What to ask for the next page with; null on the last one.</param>
internal sealed record SessionPage(IReadOnlyList<ConsoleSession> Sessions, string? NextCursor);
