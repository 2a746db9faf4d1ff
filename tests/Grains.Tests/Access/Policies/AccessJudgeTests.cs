using ControlPlane.Access;
using ControlPlane.Access.Policies;
using static ControlPlane.Grains.Tests.Access.Policies.PolicyExample;

namespace ControlPlane.Grains.Tests.Access.Policies;

public sealed class AccessJudgeTests
{
    private static readonly AccessRequest Reprovision = new(Permissions.NodesReprovision) { Node = "web1.example.net" };
    private static readonly AccessRequest Sign =
        new(Permissions.RequestsSign) { Collective = "mcollective", Agent = "puppet", Action = "status", Targets = 3 };

    // Who has what, where nothing but the role matters; whatever is not here is denied.
    private static readonly (Caller Caller, string[] Permitted)[] Matrix =
    [
        (Person("nobody"), ["nodes.read", "enrolment.read", "placement.read", "certificates.read", "access.self"]),
        (Person("olga", "ops"),
            ["nodes.read", "nodes.reprovision", "enrolment.read", "enrolment.control", "placement.read", "certificates.read",
            "access.self"]),
        (Person("pia"),
            ["nodes.read", "enrolment.read", "placement.read", "placement.plans.create", "placement.plans.approve",
            "placement.plans.stop", "certificates.read", "access.self"]),
        (Person("ada") with { SecondFactorAt = Now },
            ["nodes.read", "enrolment.read", "placement.read", "placement.plans.approve", "certificates.read", "access.self"]),
        (Person("sam") with { Claims = Claims("sre", "permanent") },
            ["nodes.read", "enrolment.read", "placement.read", "certificates.read", "access.self", "requests.sign"]),
        (Person("otto", "oncall"),
            ["nodes.read", "nodes.decommission", "enrolment.read", "placement.read", "certificates.read", "certificates.revoke",
            "access.self"]),
        (Caller.Local, [.. Permissions.All]),
        (Caller.System, []),
    ];

    public static TheoryData<int, string> Cells =>
        [.. Enumerable.Range(0, Matrix.Length).SelectMany(row => Permissions.All.Select(permission => (row, permission)))];

    [Theory]
    [MemberData(nameof(Cells))]
    public void Judge_AllowsWhatTheMatrixSays_AndNothingElse(int row, string permission)
    {
        var request = new AccessRequest(permission)
        {
            Node = permission.StartsWith("nodes.", StringComparison.Ordinal) ? "web1.example.net" : null,
            Overlay = "eu-1",
            Collective = "mcollective",
            Agent = "puppet",
            Action = "runonce",
            Reason = "because",
            Submitter = "somebody else",
        };

        var decision = Judge(Matrix[row].Caller, request, Node("eu-1", ("env", "test"), ("tier", "lead")));

        Assert.Equal(Matrix[row].Permitted.Contains(permission), decision.IsAllowed);
        Assert.Equal(Policy.Version, decision.Policy);
    }

    [Fact]
    public void Judge_NamesTheRule() =>
        Assert.Equal("role 'operator', rule 1", Judge(Person("olga", "ops"), Reprovision, Node("eu-2", ("env", "test"))).Rule);

    [Theory]
    [InlineData("eu-3", "test", "holds in eu-1, eu-2")]
    [InlineData(null, "test", "holds in eu-1, eu-2")]
    [InlineData("eu-1", "prod", "holds for nodes that are known to fulfil its filter")]
    public void Judge_Denies_OutsideTheScope_AndSaysWhatIsMissing(string? overlay, string environment, string missing)
    {
        var decision = Judge(Person("olga", "ops"), Reprovision, Node(overlay, ("env", environment)));

        Assert.False(decision.IsAllowed);
        Assert.Contains($"role 'operator', rule 1 {missing}", decision.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_BelievesTheIndex_NotTheRequest_OfWhereANodeIs()
    {
        var request = Reprovision with { Overlay = "eu-1" };

        Assert.False(Judge(Person("olga", "ops"), request, Node("eu-3", ("env", "test"))).IsAllowed);
        Assert.False(Judge(Person("olga", "ops"), request, node: null).IsAllowed);
    }

    [Fact]
    public void Judge_TakesAnUnknownNode_ForOneThatNoRuleAllows_AndADenialForbids()
    {
        var contractor = Person("cora", "ops", "contractors");

        Assert.True(Judge(contractor, Reprovision, Node("eu-1", ("env", "test"))).IsAllowed);
        Assert.Equal("denial 'contractors'", Judge(contractor, Reprovision, Node("eu-1", ("env", "test"), ("tier", "gold"))).Rule);
        Assert.Equal("denial 'contractors'", Judge(contractor, Reprovision, node: null).Rule);
        Assert.Equal("denial 'contractors'", Judge(contractor, Reprovision, new NodeFacts("eu-1", Said: null)).Rule);
        var silent = Judge(Person("olga", "ops"), Reprovision, new NodeFacts("eu-1", Said: null));
        Assert.Contains("fulfil its filter", silent.Rule, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(14, true)]
    [InlineData(15, true)]
    [InlineData(16, false)]
    [InlineData(-1, true)]
    [InlineData(-2, false)]
    public void Judge_WantsASecondFactorThatIsRecent_AndNotOfTheFuture(int minutesAgo, bool isAllowed)
    {
        var caller = Person("ada") with { SecondFactorAt = Now.AddMinutes(-minutesAgo) };

        Assert.Equal(isAllowed, Judge(caller, new(Permissions.PlacementPlansApprove) { Submitter = "pia" }).IsAllowed);
    }

    [Theory]
    [InlineData("pia", true)]
    [InlineData("ada", false)]
    [InlineData(null, false)]
    public void Judge_WantsFourEyes(string? submitter, bool isAllowed) => Assert.Equal(
        isAllowed,
        Judge(Person("ada") with { SecondFactorAt = Now }, new(Permissions.PlacementPlansApprove) { Submitter = submitter }).IsAllowed);

    [Theory]
    [InlineData("CHG-1", true)]
    [InlineData(" ", false)]
    [InlineData(null, false)]
    public void Judge_WantsAReason(string? reason, bool isAllowed) =>
        Assert.Equal(isAllowed, Judge(Person("otto", "oncall"), new(Permissions.CertificatesRevoke) { Reason = reason }).IsAllowed);

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    [InlineData(null, true)]
    public void Judge_CountsTargets_AndANodeIsOne(int? targets, bool isAllowed) => Assert.Equal(
        isAllowed,
        Judge(Person("olga", "ops"), Reprovision with { Targets = targets }, Node("eu-1", ("env", "test"))).IsAllowed);

    [Fact]
    public void Judge_Denies_WhatDoesNotSayHowManyItIsAbout_WhereTheyAreLimited()
    {
        var policy = Read("""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles:
              signer: [{ permissions: [requests.sign], limits: { targets: 5 } }]
            grants: [{ role: signer, principals: [sam] }]
            """);

        Assert.True(Judge(Person("sam"), Sign, policy: policy).IsAllowed);
        Assert.False(Judge(Person("sam"), Sign with { Targets = null }, policy: policy).IsAllowed);
    }

    [Theory]
    [InlineData("mcollective", "puppet", "status", true)]
    [InlineData("other", "puppet", "status", false)]
    [InlineData("mcollective", "package", "status", false)]
    [InlineData("mcollective", "puppet", "disable", false)]
    [InlineData("mcollective", "shell", "status", false)]
    [InlineData("mcollective", null, "status", false)]
    public void Judge_LooksAtCollectiveAgentAndAction(string collective, string? agent, string action, bool isAllowed) => Assert.Equal(
        isAllowed,
        Judge(
            Person("sam") with { Claims = Claims("platform", "permanent") },
            Sign with { Collective = collective, Agent = agent, Action = action }).IsAllowed);

    [Theory]
    [InlineData("platform", "permanent", true)]
    [InlineData("platform", "external", false)]
    [InlineData("sales", "permanent", false)]
    [InlineData("sales", "external", false)]
    public void Judge_WantsAllClaims_AndOneValueOfEach(string department, string contract, bool isAllowed) =>
        Assert.Equal(isAllowed, Judge(Person("sam") with { Claims = Claims(department, contract) }, Sign).IsAllowed);

    [Fact]
    public void Judge_TakesNobodyForLocal_WhoIsOnlyCalledSo()
    {
        Assert.True(Judge(Caller.Local, new(Permissions.AccessAuditRead)).IsAllowed);
        Assert.False(Judge(Person("local"), new(Permissions.AccessAuditRead)).IsAllowed);
        Assert.False(Judge(Person("local") with { Method = CallerMethod.AccessToken }, new(Permissions.AccessAuditRead)).IsAllowed);
    }

    [Fact]
    public void Judge_TakesTheMethod_WhereAGrantNamesOne() => Assert.False(
        Judge(
            Person("ada") with { Method = CallerMethod.AccessToken, SecondFactorAt = Now },
            new(Permissions.PlacementPlansApprove) { Submitter = "pia" }).IsAllowed);

    [Fact]
    public void Judge_TakesRolesOfTheCredential_ThatThePolicyKnows()
    {
        var machine = new Caller { Principal = "ci", Method = CallerMethod.AccessToken, Roles = ["planner", "unheard-of"] };

        Assert.True(Judge(machine, new(Permissions.PlacementPlansCreate)).IsAllowed);
        Assert.False(Judge(machine, new(Permissions.PlacementLeaderPromote)).IsAllowed);
    }

    [Fact]
    public void Judge_ExposesTheMostGenerousConcurrency_OfTheRulesThatAllow()
    {
        var policy = Read("""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles:
              few: [{ permissions: [jobs.run], limits: { concurrency: 2 } }, { permissions: [jobs.run], limits: { concurrency: 5 } }]
              any: [{ permissions: [jobs.run] }]
            grants: [{ role: few, principals: [olga] }]
            """);
        var run = new AccessRequest(Permissions.JobsRun);

        Assert.Equal(5, Judge(Person("olga"), run, policy: policy).ConcurrencyMax);
        Assert.Null(Judge(Person("olga") with { Roles = ["any"] }, run, policy: policy).ConcurrencyMax);
    }

    [Fact]
    public void Judge_HoldsAtNamedSites()
    {
        const string Rule = "- permissions: [enrolment.*]";
        var policy = Read(Text.Replace(Rule, $"{Rule}\n      sites: [eu-9]", StringComparison.Ordinal));
        var request = new AccessRequest(Permissions.EnrolmentControl) { Overlay = "eu-1" };

        Assert.True(AccessJudge.Judge(policy, Person("olga", "ops"), request, new AccessFacts("eu-9", null, Now)).IsAllowed);
        Assert.Contains(
            "holds at eu-9",
            AccessJudge.Judge(policy, Person("olga", "ops"), request, new AccessFacts("eu-1", null, Now)).Rule,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_AllowsAndTells_WhatAPolicyOnTrialDenies()
    {
        var trial = Read("mode: dry-run\n" + Text);
        var denied = Judge(Person("nobody"), Reprovision, policy: trial);
        var allowed = Judge(Person("nobody"), new(Permissions.NodesRead), policy: trial);

        Assert.Equal((true, true, "no role of theirs has it"), (denied.IsAllowed, denied.WouldBeDenied, denied.Rule));
        Assert.Equal((true, false), (allowed.IsAllowed, allowed.WouldBeDenied));
    }

    [Theory]
    [InlineData(CallerMethod.Local, "", true)]
    [InlineData(CallerMethod.AccessToken, "", true)]
    [InlineData(CallerMethod.AccessToken, "viewer", false)]
    [InlineData(CallerMethod.Oidc, "", false)]
    [InlineData(CallerMethod.Certificate, "", false)]
    [InlineData(CallerMethod.ChoriaToken, "", false)]
    [InlineData(CallerMethod.System, "", false)]
    public void WithoutPolicy_AllowsLocalAndTokensWithoutRoles(CallerMethod method, string role, bool isAllowed)
    {
        var caller = new Caller { Principal = "x", Method = method, Roles = role.Length > 0 ? [role] : [] };

        Assert.Equal(isAllowed, AccessJudge.WithoutPolicy(caller, new(Permissions.NodesDecommission)).IsAllowed);
        Assert.Equal(method != CallerMethod.System, AccessJudge.WithoutPolicy(caller, new(Permissions.AccessSelf)).IsAllowed);
    }

    [Fact]
    public void Consider_SaysWhatEachRuleAndDenialThatConcernsTheCallerSays()
    {
        var considered = AccessJudge.Consider(
            Policy, Person("cora", "ops", "contractors"), Reprovision, new AccessFacts("eu-1", Node("eu-3", ("tier", "lead")), Now));

        Assert.Equal(
            [
                new ConsideredRule("denial 'contractors'", "holds elsewhere"),
                new ConsideredRule("role 'operator', rule 1", "holds in eu-1, eu-2, and the request must be known to be about one of them"),
            ],
            considered);
    }

    private static Dictionary<string, IReadOnlyList<string>> Claims(string department, string contract) =>
        new() { ["department"] = [department], ["contract"] = [contract] };
}
