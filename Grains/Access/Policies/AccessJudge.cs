namespace ControlPlane.Access.Policies;

/// <summary>Decides what a caller may do. Pure: the same policy, caller, request and facts give the same decision.</summary>
internal static class AccessJudge
{
    private const string SelfRule = $"everybody who is authenticated has {Permissions.AccessSelf}";

    public static AccessDecision Judge(AccessPolicy policy, Caller caller, AccessRequest request, AccessFacts facts)
    {
        if (request.Permission == Permissions.AccessSelf && caller.Method != CallerMethod.System)
        {
            return new AccessDecision(true, SelfRule, policy.Version);
        }

        foreach (var denial in policy.DenialsOf(request.Permission, caller))
        {
            if (denial.Scope.ObstacleOf(request, facts, isUnknownWithin: true) == Obstacle.None)
            {
                return Denied(policy, denial.Place);
            }
        }

        return JudgeByRoles(policy, caller, request, facts);
    }

    /// <summary>A denial, unless the policy is only tried out.</summary>
    public static AccessDecision Denied(AccessPolicy policy, string rule) =>
        new(policy.IsDryRun, rule, policy.Version, WouldBeDenied: policy.IsDryRun);

    /// <summary>Without a policy, who holds the machine or a token without roles may do everything, and nobody else anything.</summary>
    public static AccessDecision WithoutPolicy(Caller caller, AccessRequest request) => caller switch
    {
        { Method: not CallerMethod.System } when request.Permission == Permissions.AccessSelf => Unruled(true, SelfRule),
        { Method: CallerMethod.Local } => Unruled(true, "there is no policy, and nothing asks local callers for a credential"),
        { Method: CallerMethod.AccessToken, Roles.Count: 0 } => Unruled(true, "there is no policy, and the token names no roles"),
        _ => Unruled(false, "there is no policy that gives anybody a role"),
    };

    /// <summary>Every rule and denial that concerns the caller and the permission, and what each says.</summary>
    public static IReadOnlyList<ConsideredRule> Consider(AccessPolicy policy, Caller caller, AccessRequest request, AccessFacts facts) =>
    [
        .. policy.DenialsOf(request.Permission, caller).Distinct().Select(denial => new ConsideredRule(
            denial.Place,
            denial.Scope.ObstacleOf(request, facts, isUnknownWithin: true) == Obstacle.None ? "denies it" : "holds elsewhere")),
        .. policy.RolesOf(caller).Order(StringComparer.Ordinal).SelectMany(role => policy.RulesOf(request.Permission, role))
            .Select(rule => new ConsideredRule(rule.Place, rule.Words(rule.ObstacleOf(caller, request, facts)))),
    ];

    private static AccessDecision Unruled(bool isAllowed, string rule) => new(isAllowed, rule, AccessPolicy.NoVersion);

    private static AccessDecision JudgeByRoles(AccessPolicy policy, Caller caller, AccessRequest request, AccessFacts facts)
    {
        // Our own grains have no roles, whatever a policy calls everybody: nothing judges them, so a call that got here is not theirs.
        if (caller.Method == CallerMethod.System)
        {
            return Denied(policy, "the silos' own calls are not judged by the policy");
        }

        AccessRule? allowing = null;
        var (nearest, obstacle) = ((AccessRule?)null, Obstacle.None);
        var (concurrency, isUnlimited) = (0, false);
        foreach (var role in policy.RolesOf(caller))
        {
            foreach (var rule in policy.RulesOf(request.Permission, role))
            {
                var found = rule.ObstacleOf(caller, request, facts);
                if (found == Obstacle.None)
                {
                    allowing ??= rule;
                    isUnlimited |= rule.ConcurrencyMax is null;
                    concurrency = Math.Max(concurrency, rule.ConcurrencyMax ?? 0);
                }
                else if (found > obstacle)
                {
                    (nearest, obstacle) = (rule, found);
                }
            }
        }

        return allowing is not null
            ? new AccessDecision(true, allowing.Place, policy.Version) { ConcurrencyMax = isUnlimited ? null : concurrency }
            : Denied(policy, nearest is null ? "no role of theirs has it"
                : $"no rule allows it; {nearest.Place} {nearest.Words(obstacle)}");
    }
}

/// <param name="Rule">Its place in the policy.</param>
/// <param name="Verdict">What it says to the request, in words that follow its place.</param>
public sealed record ConsideredRule(string Rule, string Verdict);
