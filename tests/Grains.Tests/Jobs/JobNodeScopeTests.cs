using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Grains.Tests.Access.Policies;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>A policy whose rules hold for nodes of a kind: as a job is submitted, and then in the overlay that has its nodes.</summary>
public sealed class JobNodeScopeTests : IAccessPolicy, IAuditTrail
{
    private static readonly AccessPolicy Policy = PolicyExample.Read("""
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles:
          puppeteer: [{ permissions: [jobs.run], agents: [puppet], nodes: env=test, limits: { targets: 3, concurrency: 2 } }]
          any: [{ permissions: [jobs.run], agents: [service] }]
        grants: [{ role: puppeteer, principals: ["*"] }, { role: any, principals: ["*"] }]
        denials: [{ name: gold, principals: [pia], permissions: [jobs.run], nodes: tier=gold }]
        """);

    private readonly List<(string? Node, bool IsAllowed)> recorded = [];
    private string? trace;

    [Theory]
    [InlineData("puppet", true)]
    [InlineData("service", true)]
    [InlineData("shell", false)]
    public async Task AJob_IsSubmitted_ByRulesOfNodes_WhoseNodesNobodyKnowsYet(string agent, bool isAllowed)
    {
        var submitted = new AccessRequest(Permissions.JobsRun) { Agent = agent, Action = "status", Targets = 3 };

        Assert.Equal(isAllowed, (await JudgeAsync(submitted)).IsAllowed);
        Assert.Equal(isAllowed && agent != "puppet", (await JudgeAsync(submitted with { Targets = 4 })).IsAllowed);
    }

    [Fact]
    public async Task ItsOverlay_TakesTheNodesOn_ThatTheRuleHoldsFor()
    {
        Assert.Equal(2, await TakeAsync("puppet", "test1", "test2"));
        Assert.Equal([("test1", true)], recorded);
        Assert.Equal("0af7", trace);
    }

    [Theory]
    [InlineData("puppet", "test1", "prod1")]
    [InlineData("puppet", "test1", "unknown")]
    [InlineData("service", "prod1", "gold1")]
    public async Task ItsOverlay_TakesNoneOn_WhereOneIsOutside(string agent, params string[] identities)
    {
        await Assert.ThrowsAsync<AccessDeniedException>(() => TakeAsync(agent, identities));

        Assert.Equal([(identities[1], false)], recorded);
    }

    [Fact]
    public async Task ADenialOfSomeNodes_DeniesNoJobOfOthers()
    {
        Assert.Null(await TakeAsync("service", "prod1", "test1"));
        Assert.Equal([("prod1", true)], recorded);
    }

    [Fact]
    public async Task WhatIsNoJob_IsDenied_WhereItsNodesAreNotSaid()
    {
        var policy = PolicyExample.Read("""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { signer: [{ permissions: [requests.sign, jobs.run], nodes: env=test }] }
            grants: [{ role: signer, principals: ["*"] }]
            """);

        Assert.False((await JudgeAsync(new AccessRequest(Permissions.RequestsSign), policy)).IsAllowed);
        Assert.False((await JudgeAsync(new AccessRequest(Permissions.JobsRun) { AreNodesChosen = true }, policy)).IsAllowed);
    }

    ValueTask<AccessDecision> IAccessPolicy.JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
        JudgeAsync(request);

    Task<AuditedCall> IAuditTrail.BeginAsync(
        Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
    {
        recorded.Add((request.Node, decision.IsAllowed));
        trace = caller.Trace;
        return Task.FromResult(new AuditedCall("1", caller, request, decision));
    }

    Task IAuditTrail.EndAsync(AuditedCall call, string outcome) => Task.CompletedTask;

    Task IAuditTrail.RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;

    private static ValueTask<AccessDecision> JudgeAsync(AccessRequest request, AccessPolicy? policy = null) =>
        new(PolicyExample.Judge(PolicyExample.Person("pia"), request, Known(request.Node), policy ?? Policy));

    private static NodeFacts? Known(string? identity) => identity switch
    {
        null or "unknown" => null,
        _ when identity.StartsWith("test", StringComparison.Ordinal) => PolicyExample.Node("eu-1", ("env", "test")),
        _ when identity.StartsWith("gold", StringComparison.Ordinal) => PolicyExample.Node("eu-1", ("tier", "gold")),
        _ => PolicyExample.Node("eu-1", ("env", "prod")),
    };

    private async Task<int?> TakeAsync(string agent, params string[] identities)
    {
        int? taken = -1;
        var spec = JobWorld.Spec() with { Action = new JobAction(agent, "status") };
        await new JobAuthority(new AccessGuard(this, this), this).InvokeAsync(
            new OverlayJobOrder("job", "eu-1", "eu-1", spec, JobSubmitter.Of(Caller.Local with { Trace = "0af7" })),
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
