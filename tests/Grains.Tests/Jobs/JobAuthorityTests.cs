using ControlPlane.Access;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>What a job's submitter may do to the targets in an overlay.</summary>
public sealed class JobAuthorityTests : IAccessPolicy, IAuditTrail
{
    private readonly List<(AccessRequest Request, AccessDecision Decision)> recorded = [];
    private JobSpec spec = JobWorld.Spec();
    private Func<AccessRequest, AccessDecision> rule = _ => Allowed();

    [Fact]
    public async Task InvokeAsync_TakesTheTargetsOn_WithTheRulesConcurrency()
    {
        rule = _ => Allowed(20);

        Assert.Equal(20, await TakeAsync("a", "b"));
        Assert.Null(Assert.Single(recorded).Request.Node);
    }

    [Fact]
    public async Task InvokeAsync_AsksForTheActions_ByWhichNodesAreAskedHowItStands()
    {
        await TakeAsync("a");
        Assert.Empty(recorded[0].Request.AlsoActions);

        spec = spec with
        {
            Action = spec.Action with { Status = new JobStatusAction("shell", "run"), ExecutorId = "id" },
        };
        await TakeAsync("a");
        Assert.Equal([("shell", "run"), ("executor", "status")], recorded[1].Request.AlsoActions);
        Assert.Equal("shell#run executor#status", recorded[1].Request.Parameters["alsoActions"]);
    }

    [Fact]
    public async Task InvokeAsync_KeepsTheLowestConcurrency_OfRulesThatHoldForNodes()
    {
        rule = request => request.Node switch
        {
            null => Denied(),
            "n070" => Allowed(3),
            "n001" => Allowed(20),
            _ => Allowed(),
        };

        Assert.Equal(3, await TakeAsync([.. Enumerable.Range(0, 100).Select(number => $"n{number:000}")]));
        var (request, decision) = Assert.Single(recorded);
        Assert.Equal(("n070", 3), (request.Node, decision.ConcurrencyMax));
    }

    [Fact]
    public async Task InvokeAsync_HasNoConcurrency_WhenNoNodesRuleHas()
    {
        rule = request => request.Node is null ? Denied() : Allowed();

        Assert.Null(await TakeAsync("a", "b"));
        Assert.Equal("a", Assert.Single(recorded).Request.Node);
    }

    [Fact]
    public async Task InvokeAsync_RefusesAll_AndRecordsTheNodeThatIsDenied()
    {
        rule = request => request.Node is null or "b" ? Denied() : Allowed();

        await Assert.ThrowsAsync<AccessDeniedException>(() => TakeAsync("a", "b", "c"));

        var (request, decision) = Assert.Single(recorded);
        Assert.Equal(("b", false), (request.Node, decision.IsAllowed));
    }

    [Fact]
    public async Task InvokeAsync_RefusesAJobWithoutTargets_ThatTheRuleDenies()
    {
        rule = _ => Denied();

        await Assert.ThrowsAsync<AccessDeniedException>(() => TakeAsync());
    }

    [Fact]
    public async Task InvokeAsync_AsksForWhatANodeNeeds_WhereNodesAreToEnrolAnew()
    {
        rule = request => request.Node is null ? Denied() : Allowed();
        var order = Order() with { Spec = EnrollingNodes.Spec() };

        await new JobAuthority(new AccessGuard(this, this), this).InvokeAsync(
            order, ["a", "b"], _ => Task.CompletedTask, TestContext.Current.CancellationToken);

        var (request, _) = Assert.Single(recorded);
        Assert.Equal((Permissions.NodesReprovision, "a", "eu-1"), (request.Permission, request.Node, request.Overlay));
    }

    [Fact]
    public async Task CheckAsync_SaysWhatWouldBe_AndRecordsNothing()
    {
        rule = request => request.Node is null or "b" ? Denied() : Allowed();
        var authority = new JobAuthority(new AccessGuard(this, this), this);

        await authority.CheckAsync(Order(), ["a", "c"], TestContext.Current.CancellationToken);
        var denied = await Assert.ThrowsAsync<AccessDeniedException>(
            () => authority.CheckAsync(Order(), ["a", "b"], TestContext.Current.CancellationToken));

        Assert.Equal("local may not jobs.run: no rule", denied.Message);
        Assert.Empty(recorded);
    }

    [Fact]
    public async Task APlan_WasJudgedWhenItWasApproved_AndIsRecorded_AndAnybodyElseIsJudged()
    {
        rule = _ => Denied();
        spec = spec with { Targets = new JobTargets { Plan = new JobPlan("eu", "drain-1") } };
        var authority = new JobAuthority(new AccessGuard(this, this), this);

        await authority.InvokeAsync(
            Order() with { Submitter = JobSubmitter.Of(Caller.System) },
            ["a"],
            _ => Task.CompletedTask,
            TestContext.Current.CancellationToken);
        Assert.Equal("the plan drain-1 was approved", Assert.Single(recorded).Decision.Rule);

        await Assert.ThrowsAsync<AccessDeniedException>(
            () => authority.InvokeAsync(Order(), ["a"], _ => Task.CompletedTask, TestContext.Current.CancellationToken));
    }

    ValueTask<AccessDecision> IAccessPolicy.JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
        new(rule(request));

    Task<AuditedCall> IAuditTrail.BeginAsync(
        Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
    {
        recorded.Add((request, decision));
        return Task.FromResult(new AuditedCall("1", caller, request, decision));
    }

    Task IAuditTrail.EndAsync(AuditedCall call, string outcome) => Task.CompletedTask;

    Task IAuditTrail.RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;

    private static AccessDecision Allowed(int? concurrency = null) => new(IsAllowed: true, "rule", "1") { ConcurrencyMax = concurrency };

    private static AccessDecision Denied() => new(IsAllowed: false, "no rule", "1");

    private OverlayJobOrder Order() => new("job", "eu-1", "eu-1", spec, JobSubmitter.Of(Caller.Local));

    private async Task<int?> TakeAsync(params string[] identities)
    {
        int? taken = -1;
        await new JobAuthority(new AccessGuard(this, this), this).InvokeAsync(
            Order(),
            identities,
            concurrencyMax =>
            {
                taken = concurrencyMax;
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
        return taken;
    }
}
