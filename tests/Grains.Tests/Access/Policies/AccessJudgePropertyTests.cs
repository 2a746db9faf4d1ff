using System.Collections.Frozen;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Filters;
using CsCheck;

namespace ControlPlane.Grains.Tests.Access.Policies;

/// <summary>What holds of every policy, whatever stands in it.</summary>
public sealed class AccessJudgePropertyTests
{
    private static readonly string[] Words = ["a", "b", "c"];
    private static readonly string[] SomePermissions =
        [Permissions.NodesRead, Permissions.NodesReprovision, Permissions.PlacementPlansApprove];
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private static readonly Gen<string> Word = OneOf(Words);
    private static readonly Gen<string?> Perhaps = OneOf<string?>("a", "b", "c", null);

    private static readonly Gen<FrozenSet<string>?> SomeWords =
        Gen.Select(Gen.Bool, Word.Array[1, 2], (isSet, words) => isSet ? words.ToFrozenSet() : null);

    private static readonly Gen<FilterExpression?> Filter = Gen.Select(
        Gen.Int[0, 3], Word, (kind, word) => kind == 0 ? FilterReader.Read(word == "a" ? "fact=a" : $"not fact={word}") : null);

    private static readonly Gen<AccessScope> Scope = Gen.Select(
        SomeWords, SomeWords, Filter, (sites, overlays, nodes) => new AccessScope { Sites = sites, Overlays = overlays, Nodes = nodes });

    private static readonly Gen<FrozenSet<string>> Permitted =
        OneOf(SomePermissions).Array[1, 3].Select(permissions => permissions.ToFrozenSet());

    private static readonly Gen<AccessRule> Rule = Gen.Select(
        Word, Permitted, Scope, Gen.Int[0, 3], Gen.Bool, Gen.Bool,
        (role, permissions, scope, targets, reason, fourEyes) => new AccessRule(role, $"{role}", permissions)
        {
            Scope = scope,
            TargetsMax = targets == 0 ? null : targets,
            NeedsReason = reason,
            NeedsFourEyes = fourEyes && permissions.Count == 1,
        });

    private static readonly Gen<Subjects> Who = Gen.Select(
        OneOf("a", "b", "c", "*").Array[0, 2], Word.Array[0, 2],
        (principals, groups) => new Subjects { Principals = principals, Groups = groups });

    private static readonly Gen<RoleGrant> Grant = Gen.Select(Word, Who, (role, who) => new RoleGrant(role, who));

    private static readonly Gen<Denial> Denials = Gen.Select(
        Who, Permitted, Scope, (who, permissions, scope) => new Denial("d", who, permissions, scope));

    private static readonly Gen<AccessPolicyContent> Content = Gen.Select(
        Rule.Array[0, 6], Grant.Array[0, 6], Denials.Array[0, 2],
        (rules, grants, denials) => new AccessPolicyContent { Version = "v", Rules = rules, Grants = grants, Denials = denials });

    private static readonly Gen<Caller> Callers = Gen.Select(
        Word, Word.Array[0, 2], (principal, groups) => new Caller { Principal = principal, Method = CallerMethod.Oidc, Groups = groups });

    private static readonly Gen<AccessRequest> Requests = Gen.Select(
        OneOf(SomePermissions), Perhaps, Perhaps, Gen.Int[0, 4], Perhaps, Perhaps,
        (permission, overlay, node, targets, reason, submitter) => new AccessRequest(permission)
        {
            Overlay = overlay,
            Node = node,
            Targets = targets == 0 ? null : targets,
            Reason = reason,
            Submitter = submitter,
        });

    private static readonly Gen<AccessFacts> Facts = Gen.Select(
        Word, Perhaps, Perhaps, Gen.Bool, (site, overlay, fact, isKnown) => new AccessFacts(
            site,
            isKnown ? new NodeFacts(overlay, fact is null ? null
                : new FilteredNode(new Dictionary<string, FactValue> { ["fact"] = new(FactKind.Text, fact, 0) }, [], [])) : null,
            Now));

    [Fact]
    public void ADenial_AlwaysWins() =>
        Gen.Select(Content, Denials, Callers, Requests, Facts).Sample((content, denial, caller, request, facts) =>
    {
        var everywhere = denial with
        {
            Who = new Subjects { Principals = [caller.Principal] },
            Permissions = [request.Permission],
            Scope = AccessScope.Everywhere,
        };

        Assert.False(Judge(content with { Denials = [.. content.Denials, everywhere] }, caller, request, facts).IsAllowed);
    });

    [Fact]
    public void ARuleMore_TakesNothingAway() =>
        Gen.Select(Content, Rule, Callers, Requests, Facts).Sample((content, rule, caller, request, facts) =>
    {
        if (Judge(content, caller, request, facts).IsAllowed)
        {
            Assert.True(Judge(content with { Rules = [.. content.Rules, rule] }, caller, request, facts).IsAllowed);
        }
    });

    [Fact]
    public void AGrantMore_TakesNothingAway() =>
        Gen.Select(Content, Grant, Callers, Requests, Facts).Sample((content, grant, caller, request, facts) =>
    {
        if (Judge(content, caller, request, facts).IsAllowed)
        {
            Assert.True(Judge(content with { Grants = [.. content.Grants, grant] }, caller, request, facts).IsAllowed);
        }
    });

    [Fact]
    public void ADenialMore_GivesNothing() =>
        Gen.Select(Content, Denials, Callers, Requests, Facts).Sample((content, denial, caller, request, facts) =>
    {
        if (!Judge(content, caller, request, facts).IsAllowed)
        {
            Assert.False(Judge(content with { Denials = [.. content.Denials, denial] }, caller, request, facts).IsAllowed);
        }
    });

    [Fact]
    public void TheOrder_DoesNotMatter() => Gen.Select(Content, Callers, Requests, Facts).Sample((content, caller, request, facts) =>
    {
        var turned = content with
        {
            Rules = [.. content.Rules.Reverse()],
            Grants = [.. content.Grants.Reverse()],
            Denials = [.. content.Denials.Reverse()],
        };

        var (one, other) = (Judge(content, caller, request, facts), Judge(turned, caller, request, facts));
        Assert.Equal((one.IsAllowed, one.ConcurrencyMax), (other.IsAllowed, other.ConcurrencyMax));
    });

    [Fact]
    public void APolicyOnTrial_DeniesNothing_AndTellsExactlyWhatItWouldDeny() =>
        Gen.Select(Content, Callers, Requests, Facts).Sample((content, caller, request, facts) =>
        {
            var trial = Judge(content with { IsDryRun = true }, caller, request, facts);

            Assert.True(trial.IsAllowed);
            Assert.Equal(Judge(content, caller, request, facts).IsAllowed, !trial.WouldBeDenied);
        });

    [Fact]
    public void KnowingNothingOfTheNode_AllowsNothingThatSomeNodeWouldBeDenied() =>
        Gen.Select(Content, Callers, Requests, Facts).Sample((content, caller, request, facts) =>
        {
            if (!Judge(content, caller, request, facts).IsAllowed)
            {
                Assert.False(Judge(content, caller, request, facts with { Node = null }).IsAllowed);
            }
        });

    [Fact]
    public void TheIndex_AgreesWithReadingEveryRule() =>
        Gen.Select(Content, Callers, Requests, Facts).Sample((content, caller, request, facts) =>
    {
        bool IsNamed(Subjects who) => who.Principals.Contains("*") || who.Principals.Contains(caller.Principal)
            || who.Groups.Intersect(caller.Groups).Any();
        var isDenied = content.Denials.Any(denial => IsNamed(denial.Who) && denial.Permissions.Contains(request.Permission)
            && denial.Scope.ObstacleOf(request, facts, isUnknownWithin: true) == Obstacle.None);
        var isAllowed = content.Rules.Any(rule => rule.Permissions.Contains(request.Permission)
            && content.Grants.Any(grant => grant.Role == rule.Role && IsNamed(grant.Who))
            && rule.ObstacleOf(caller, request, facts) == Obstacle.None);

        Assert.Equal(isAllowed && !isDenied, Judge(content, caller, request, facts).IsAllowed);
    });

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static AccessDecision Judge(AccessPolicyContent content, Caller caller, AccessRequest request, AccessFacts facts) =>
        AccessJudge.Judge(new AccessPolicy(content), caller, request, facts);
}
