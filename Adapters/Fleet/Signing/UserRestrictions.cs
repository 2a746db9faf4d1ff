using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>
/// What a token's holder may call at most, whatever our policy says: by the list of users as it is now, or by the token where others made
/// it. Thread-safe.
/// </summary>
internal sealed class UserRestrictions(UserLists users, IOptions<ChoriaSigningOptions> options)
{
    /// <summary>Why nothing is done for a user who was taken off the lists.</summary>
    public const string Gone = "the user is on no list of users any more";

    /// <summary>Whether it is the token of a user who was taken off the lists since.</summary>
    public bool IsGone(ClientClaims claims, ChoriaTokenOrigin origin) => origin == ChoriaTokenOrigin.Password && UserOf(claims) is null;

    /// <summary>Why an action is not on the user's list; null when it is.</summary>
    public string? FaultOf(ClientClaims claims, ChoriaTokenOrigin origin, string agent, string action)
    {
        switch (origin)
        {
            case ChoriaTokenOrigin.Oidc:
                return null;

            case ChoriaTokenOrigin.Password:
                return UserOf(claims) is { } user
                    ? FaultOf(user.Acls, user.OpaPolicy, agent, action)
                    : Gone;

            default:
                return FaultOf(claims.Agents, claims.OpaPolicy, agent, action);
        }
    }

    private ListedUser? UserOf(ClientClaims claims) => users.Current().Users.GetValueOrDefault(
        claims.CallerId.StartsWith(ListedUser.CallerPrefix, StringComparison.Ordinal)
            ? claims.CallerId[ListedUser.CallerPrefix.Length..]
            : "");

    // Nodes answer everybody's discovery, and so does the AAA service.
    private string? FaultOf(IReadOnlyList<string>? entries, string? policy, string agent, string action) =>
        agent == Discovery.Agent ? null
        : policy is { Length: > 0 } && !options.Value.NodesJudgePolicies
            ? "the user has an opa_policy, which is not judged by here (Access:Signer:NodesJudgePolicies)"
        : policy is not { Length: > 0 } && !ActionList.Allows(entries ?? [], agent, action)
            ? $"{agent}.{action} is not on the user's list of actions"
        : null;
}
