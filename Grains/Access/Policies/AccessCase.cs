namespace ControlPlane.Access.Policies;

/// <summary>A case of a policy's own <c>tests</c>.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Line">Where it stands.</param>
/// <param name="Caller">As whom.</param>
/// <param name="Request">May what.</param>
/// <param name="SecondFactorAgo">How long ago a second factor was shown; null when none was.</param>
/// <param name="Site">At which site; empty for one that no rule names.</param>
/// <param name="Region">In which region; empty for one that no rule names.</param>
/// <param name="Node">What is known of the node.</param>
/// <param name="IsAllowed">What is expected.</param>
internal sealed record AccessCase(
    string Name,
    int Line,
    Caller Caller,
    AccessRequest Request,
    TimeSpan? SecondFactorAgo,
    string Site,
    string Region,
    NodeFacts? Node,
    bool IsAllowed);

/// <summary>Runs the cases of a policy against it.</summary>
public static class AccessCases
{
    /// <summary>What came of each case, in the order of the file. What would be asked outside is not.</summary>
    public static IReadOnlyList<AccessCaseOutcome> Run(AccessPolicy policy, DateTimeOffset now)
    {
        return [.. policy.Content.Cases.Select(Judge)];

        AccessCaseOutcome Judge(AccessCase one)
        {
            var caller = one.Caller with { SecondFactorAt = now - one.SecondFactorAgo };
            var facts = new AccessFacts(one.Site, one.Node, now) { Region = one.Region };
            var decision = AccessJudge.Judge(policy, caller, one.Request, facts);
            var isAllowed = decision is { IsAllowed: true, WouldBeDenied: false };
            return new AccessCaseOutcome(one.Name, one.Line, one.IsAllowed, isAllowed, decision.Rule);
        }
    }
}

/// <param name="Name">What the case shows.</param>
/// <param name="Line">Where it stands.</param>
/// <param name="IsExpected">Whether it should be allowed.</param>
/// <param name="IsAllowed">Whether it is; what is denied on trial is not.</param>
/// <param name="Rule">What decided.</param>
public sealed record AccessCaseOutcome(string Name, int Line, bool IsExpected, bool IsAllowed, string Rule)
{
    public bool HasPassed => IsExpected == IsAllowed;
}
