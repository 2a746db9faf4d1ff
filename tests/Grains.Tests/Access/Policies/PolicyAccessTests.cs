using ControlPlane.Access;
using ControlPlane.Access.Policies;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Access.Policies;

public sealed class PolicyAccessTests : IDisposable
{
    private static readonly AccessRequest Reprovision = new(Permissions.NodesReprovision) { Node = "web1.example.net" };
    private static readonly Caller Operator = PolicyExample.Person("olga", "ops");

    private readonly FakeTimeProvider time = new(PolicyExample.Now);
    private readonly FakeSource source = new() { Current = PolicyExample.Policy };
    private readonly FakeNodes nodes = new();
    private readonly FakePlans plans = new();
    private readonly FakeAuthority authority = new();
    private readonly CountedLog log = new();
    private readonly AccessMeter meter;
    private readonly PolicyAccess access;

    public PolicyAccessTests()
    {
        meter = new AccessMeter(source);
        access = new PolicyAccess(source, nodes, [plans], new ExternalAuthorization(meter, time, authority), meter, time, log);
    }

    public void Dispose() => meter.Dispose();

    [Fact]
    public async Task JudgeAsync_AsksForTheNode_WhereARuleDependsOnIt()
    {
        nodes.Known = PolicyExample.Node("eu-1", ("env", "test"));

        Assert.True((await JudgeAsync(Operator, Reprovision)).IsAllowed);
        Assert.Equal(["web1.example.net"], nodes.Asked);

        nodes.Known = null;
        Assert.False((await JudgeAsync(Operator, Reprovision)).IsAllowed);
    }

    [Theory]
    [InlineData("overlays: [eu-1]", false)]
    [InlineData("nodes: env=test", true)]
    public async Task JudgeAsync_AsksWhatTheNodeSaid_WhereARuleDependsOnThat(string scope, bool said)
    {
        source.Current = PolicyExample.Read($$"""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { operator: [{ permissions: [nodes.reprovision], {{scope}} }] }
            grants: [{ role: operator, principals: ["*"] }]
            """);
        nodes.Known = PolicyExample.Node("eu-1", ("env", "test"));

        Assert.True((await JudgeAsync(Operator, Reprovision)).IsAllowed);
        Assert.Equal([said], nodes.SaidAsked);
    }

    [Fact]
    public async Task JudgeAsync_DeniesAnAction_WithWhichAnotherIsAsked_ThatIsDenied()
    {
        source.Current = PolicyExample.Read("""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles:
              puppet: [{ permissions: [jobs.run], agents: [puppet], limits: { concurrency: 5 } }]
              ping: [{ permissions: [jobs.run], agents: [rpcutil], actions: [ping] }]
            grants: [{ role: puppet, principals: ["*"] }, { role: ping, principals: ["*"] }]
            """);
        var run = new AccessRequest(Permissions.JobsRun) { Agent = "puppet", Action = "runonce" };

        Assert.Equal(5, (await JudgeAsync(Operator, run with { AlsoActions = [("rpcutil", "ping")] })).ConcurrencyMax);
        var denied = await JudgeAsync(Operator, run with { AlsoActions = [("rpcutil", "ping"), ("shell", "run")] });
        Assert.False(denied.IsAllowed);
        Assert.StartsWith("shell#run: ", denied.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JudgeAsync_AsksNobody_WhereNoRuleDependsOnTheNode()
    {
        Assert.True((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead) { Node = "web1.example.net" })).IsAllowed);
        Assert.Empty(nodes.Asked);
    }

    [Theory]
    [InlineData("pia", true)]
    [InlineData("ada", false)]
    [InlineData("lost", false)]
    public async Task JudgeAsync_AsksThePlanWhoMadeIt_NotTheCaller(string madeBy, bool isAllowed)
    {
        var approval = new AccessRequest(Permissions.PlacementPlansApprove) { Plan = madeBy, Submitter = "somebody else" };

        var decision = await JudgeAsync(PolicyExample.Person("ada") with { SecondFactorAt = PolicyExample.Now }, approval);

        Assert.Equal((isAllowed, madeBy == "lost" ? null : madeBy), (decision.IsAllowed, decision.Submitter));
        Assert.Equal([madeBy], plans.Asked);
    }

    [Theory]
    [InlineData("[eu, us]", true)]
    [InlineData("[us]", false)]
    public async Task JudgeAsync_TakesTheRegionOfTheSite(string regions, bool isAllowed)
    {
        source.Current = PolicyExample.Read($$"""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { viewer: [{ permissions: [nodes.read], regions: {{regions}} }] }
            grants: [{ role: viewer, principals: ["*"] }]
            denials: [{ name: asia, principals: ["*"], permissions: [nodes.read], regions: [ap] }]
            tests:
              - { name: there, as: a, may: nodes.read, region: us, expect: allow }
              - { name: elsewhere, as: a, may: nodes.read, region: ap, expect: deny }
              - { name: nowhere, as: a, may: nodes.read, expect: deny }
            """);

        Assert.Equal(isAllowed, (await JudgeAsync(Operator, new(Permissions.NodesRead))).IsAllowed);
        Assert.All(AccessCases.Run(source.Current, PolicyExample.Now), outcome => Assert.True(outcome.HasPassed, outcome.Name));
    }

    [Theory]
    [InlineData("pia", true)]
    [InlineData("ada", false)]
    [InlineData("lost", false)]
    public async Task JudgeAsync_AsksTheJobWhoSubmittedIt_WhereThePolicySaysFourEyes(string submittedBy, bool isAllowed)
    {
        source.Current = PolicyExample.Read("""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { approver: [{ permissions: [placement.plans.approve, jobs.approve], conditions: { fourEyes: true } }] }
            grants: [{ role: approver, principals: ["*"] }]
            """);
        var approval = new AccessRequest(Permissions.JobsApprove) { Job = submittedBy, Submitter = "somebody else" };

        var decision = await JudgeAsync(PolicyExample.Person("ada"), approval);

        Assert.Equal(isAllowed, decision.IsAllowed);
        Assert.Equal([submittedBy], plans.Asked);
    }

    [Fact]
    public async Task JudgeAsync_DecidesNothing_WhileTheIndexIsAway()
    {
        nodes.Away = new TimeoutException();

        await Assert.ThrowsAsync<TimeoutException>(() => JudgeAsync(Operator, Reprovision));
    }

    [Fact]
    public async Task JudgeAsync_AllowsAsBefore_WhereThereIsNoPolicy()
    {
        (source.Current, source.IsConfigured) = (null, false);

        Assert.True((await JudgeAsync(Caller.Local, Reprovision)).IsAllowed);
        Assert.False((await JudgeAsync(Operator, Reprovision)).IsAllowed);
    }

    [Fact]
    public async Task JudgeAsync_DeniesEverything_WhereThePolicyCannotBeRead()
    {
        (source.Current, source.IsConfigured) = (null, true);

        Assert.Equal("the policy file cannot be read", (await JudgeAsync(Caller.Local, Reprovision)).Rule);
        Assert.True((await JudgeAsync(Caller.Local, new(Permissions.AccessSelf))).IsAllowed);
    }

    [Fact]
    public async Task JudgeAsync_LogsWhatItWouldDeny_OnceInAWhile_ForEachCallerAndPermission()
    {
        source.Current = PolicyExample.Read("mode: dry-run\n" + PolicyExample.Text);
        for (var call = 0; call < 5; call++)
        {
            Assert.True((await JudgeAsync(PolicyExample.Person("mallory"), new(Permissions.NodesDecommission))).WouldBeDenied);
        }

        await JudgeAsync(PolicyExample.Person("mallory"), new(Permissions.CertificatesRevoke));
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains("mallory may nodes.decommission only because", log.Lines[0], StringComparison.Ordinal);

        time.Advance(TimeSpan.FromMinutes(10));
        await JudgeAsync(PolicyExample.Person("mallory"), new(Permissions.NodesDecommission));
        Assert.Equal(3, log.Lines.Count);
    }

    [Fact]
    public async Task JudgeAsync_AsksOutside_OnlyForWhatThePolicyAllows_AndOnlyWhatItNames()
    {
        AskOutside("nodes.read");

        Assert.False((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesDecommission))).IsAllowed);
        Assert.True((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.PlacementRead))).IsAllowed);
        Assert.Empty(authority.Asked);

        Assert.True((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead) { Overlay = "eu-2" })).IsAllowed);
        var question = Assert.Single(authority.Asked);
        Assert.Equal(
            ("x", "nodes.read", "eu-1", "eu-2"),
            (question.Caller.Principal, question.Request.Permission, question.Site, question.Overlay));
    }

    [Fact]
    public async Task JudgeAsync_Denies_WhatTheAuthorityDenies()
    {
        AskOutside("nodes.read");
        authority.Answer = _ => Task.FromResult(new AccessVerdict(false, "not on Sundays"));

        var decision = await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead));

        Assert.Equal((false, "the authority outside denies it: not on Sundays"), (decision.IsAllowed, decision.Rule));
    }

    [Fact]
    public async Task JudgeAsync_Denies_AndLeavesTheAuthorityAlone_WhileItIsAway()
    {
        AskOutside("nodes.read");
        authority.Answer = _ => throw new AccessAuthorityException("connection refused");
        for (var failure = 0; failure < ExternalAuthorization.FailuresMax; failure++)
        {
            var lost = await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead));
            Assert.Contains("connection refused", lost.Rule, StringComparison.Ordinal);
        }

        var unasked = await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead));
        Assert.Contains("left alone", unasked.Rule, StringComparison.Ordinal);
        Assert.Equal(ExternalAuthorization.FailuresMax, authority.Asked.Count);

        time.Advance(TimeSpan.FromSeconds(5));
        authority.Answer = _ => Task.FromResult(new AccessVerdict(true, null));
        Assert.True((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead))).IsAllowed);
    }

    [Fact]
    public async Task JudgeAsync_Denies_WhatIsNotAnsweredInTime()
    {
        AskOutside("nodes.read");
        authority.Answer = cancellation => Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ContinueWith<AccessVerdict>(
            _ => throw new OperationCanceledException(), TaskScheduler.Default);

        var judging = JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead));
        time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Contains("did not answer within 500 ms", (await judging).Rule, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JudgeAsync_CountsNothingAgainstTheAuthority_WhenTheCallerGoes()
    {
        AskOutside("nodes.read");
        authority.Answer = cancellation => Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ContinueWith(
            _ => new AccessVerdict(true, null), TaskScheduler.Default);
        for (var call = 0; call < ExternalAuthorization.FailuresMax * 2; call++)
        {
            using var gone = new CancellationTokenSource();
            var judging = access.JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead), gone.Token).AsTask();
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => judging);
        }

        authority.Answer = _ => Task.FromResult(new AccessVerdict(true, null));
        Assert.True((await JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead))).IsAllowed);
    }

    [Fact]
    public async Task JudgeAsync_Denies_WhereThePolicyAsksOutside_AndNobodyIsConfigured()
    {
        AskOutside("nodes.read");
        var alone = new PolicyAccess(source, nodes, [plans], new ExternalAuthorization(meter, time), meter, time, log);

        var decision = await alone.JudgeAsync(PolicyExample.Person("x"), new(Permissions.NodesRead), TestContext.Current.CancellationToken);

        Assert.Contains("none is configured", decision.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExplainAsync_DecidesAsJudging_AndAsksNobodyOutside()
    {
        AskOutside("nodes.read");

        var why = await access.ExplainAsync(PolicyExample.Person("x"), new(Permissions.NodesRead), TestContext.Current.CancellationToken);

        Assert.True(why is { Decision.IsAllowed: true, IsJudgedOutside: true, Roles: ["viewer"], Considered: [{ Verdict: "allows it" }] });
        Assert.Empty(authority.Asked);
    }

    private void AskOutside(string permission) =>
        source.Current = PolicyExample.Read($"external: {{ permissions: [{permission}], deadline: 500ms }}\n{PolicyExample.Text}");

    private Task<AccessDecision> JudgeAsync(Caller caller, AccessRequest request) =>
        access.JudgeAsync(caller, request, TestContext.Current.CancellationToken).AsTask();

    private sealed class FakeSource : IPolicySource
    {
        public string Site => "eu-1";

        public string Region => "eu";

        public bool IsConfigured { get; set; } = true;

        public AccessPolicy? Current { get; set; }

        public IReadOnlyList<string> Faults => [];
    }

    private sealed class FakeNodes : INodeFacts
    {
        public List<string> Asked { get; } = [];

        public List<bool> SaidAsked { get; } = [];

        public NodeFacts? Known { get; set; }

        public Exception? Away { get; set; }

        public Task<NodeFacts?> FindAsync(string node, bool said, CancellationToken cancellationToken)
        {
            Asked.Add(node);
            SaidAsked.Add(said);
            return Away is null ? Task.FromResult(Known) : Task.FromException<NodeFacts?>(Away);
        }
    }

    private sealed class FakePlans : ISubmissions
    {
        public List<string> Asked { get; } = [];

        public Task<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken)
        {
            var one = (request.Plan ?? request.Job)!;
            Asked.Add(one);
            return Task.FromResult(one == "lost" ? null : one);
        }
    }

    private sealed class FakeAuthority : IAccessAuthority
    {
        public List<AccessQuestion> Asked { get; } = [];

        public Func<CancellationToken, Task<AccessVerdict>> Answer { get; set; } = _ => Task.FromResult(new AccessVerdict(true, null));

        public Task<AccessVerdict> AskAsync(AccessQuestion question, CancellationToken cancellationToken)
        {
            Asked.Add(question);
            return Answer(cancellationToken);
        }
    }

    private sealed class CountedLog : ILogger<PolicyAccess>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
