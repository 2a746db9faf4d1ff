using System.Security.Cryptography;
using ControlPlane.Access;
using ControlPlane.Grains.Tests.Sites;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.Sites;
using ControlPlane.TestKit.Store;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>What is wrong with a specification at one site of a region.</summary>
public sealed class JobChecksTests : IAgentDdls
{
    private const int NamesMax = 100_000;

    private readonly IGrainFactory jobs = TestedGrains.Make((_, id, _) => Task.FromResult(id == "there"
        ? new JobSnapshot(id, JobWorld.Spec(), "ann", JobState.Running, "", 1, default, null, null, 0, [], [])
        : null));

    private AgentDdl? ddl;

    private readonly OverlaysOptions overlays = new()
    {
        Region = "eu", Local = "eu-1", Members = { ["eu-1"] = new OverlayOptions(), ["eu-2"] = new OverlayOptions() },
    };

    [Fact]
    public async Task CheckAsync_NamesAllFaultsAtOnce()
    {
        var spec = JobWorld.Spec(JobStage.All, JobStage.All);

        var faults = await FaultsAsync(spec with { Targets = new JobTargets { Identities = ["web1"], Overlays = ["us-1"] } });

        Assert.Contains(faults, fault => fault.StartsWith("stages", StringComparison.Ordinal));
        Assert.Contains("targets.overlays: there is no overlay 'us-1'; there are eu-1, eu-2", faults);
        Assert.Contains(faults, fault => fault.StartsWith("action.agent: there is no DDL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CheckAsync_TakesAPlan_OnlyFromTheRegionItself()
    {
        var spec = JobWorld.Spec() with { Targets = new JobTargets { Plan = new JobPlan("eu", "drain-1") } };
        const string fault = "targets.plan: a plan is carried out by approving it: controlplane plan approve drain-1";
        Assert.DoesNotContain(fault, await FaultsAsync(spec));

        CallerContext.Current = Caller.Local;
        Assert.Contains(fault, await FaultsAsync(spec));
    }

    [Fact]
    public async Task CheckAsync_ChecksTheStatusAction_AsItDoesTheAction()
    {
        var status = new JobStatusAction("shell", "run", """{"command":"id"}""");
        var spec = JobWorld.Spec() with { Action = new JobAction("puppet", "runonce") { Status = status } };

        Assert.Contains(
            await FaultsAsync(spec),
            fault => fault.StartsWith("action.status.agent: there is no DDL of the agent 'shell'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CheckAsync_RefusesNames_ThatCannotBeToldToAnotherSite()
    {
        var named = JobWorld.Spec() with { Targets = new JobTargets { Identities = Names(_ => RandomNumberGenerator.GetHexString(32)) } };

        Assert.Contains(await FaultsAsync(named), IsTooLong);
        Assert.DoesNotContain(await FaultsAsync(named with { Targets = named.Targets with { Overlays = ["eu-1"] } }), IsTooLong);
        var alike = new JobTargets { Identities = Names(number => $"web{number}.example.net") };
        Assert.DoesNotContain(await FaultsAsync(named with { Targets = alike }), IsTooLong);
    }

    [Fact]
    public async Task CheckAsync_NamesJobsThatItComesAfter_AndThatAreNotThere()
    {
        var actions = new Dictionary<string, DdlAction>(StringComparer.Ordinal)
        {
            ["runonce"] = new("runonce", "Runs", DdlDisplay.Failed, new Dictionary<string, DdlInput>(StringComparer.Ordinal), [], []),
        };
        ddl = new AgentDdl("puppet", "Puppet", "1.0.0", TimeSpan.FromSeconds(60), IsService: false, actions);

        Assert.Equal(["after: there is no job 'gone' at this site"], await FaultsAsync(JobWorld.Spec() with { After = ["there", "gone"] }));
        Assert.Empty(await FaultsAsync(JobWorld.Spec() with { After = ["there"] }));
    }

    [Fact]
    public async Task CheckAsync_KnowsWhatOurOwnGrainsCanDo_WhateverADdlSays()
    {
        const string mine = JobAction.ControlPlaneAgent;
        ddl = new AgentDdl(mine, "", "1", TimeSpan.Zero, IsService: false, new[] { "reprovision", "reboot" }.ToDictionary(
            name => name, name => new DdlAction(name, "", DdlDisplay.Failed, new Dictionary<string, DdlInput>(), [], [])));
        var spec = EnrollingNodes.Spec() with
        {
            Action = new JobAction(mine, "reprovision"),
            Timeouts = JobTimeouts.Default,
            Retry = new JobRetry { On = [TargetState.TimedOut], Max = 1 },
        };

        var (completed, faults) = await CheckAsync(spec);
        Assert.Empty(faults);
        Assert.Equal((true, TimeSpan.FromMinutes(30)), (completed.Action.IsRepeatable, completed.Timeouts.Execution));
        Assert.Equal(
            ["action.name: the agent controlplane has no action 'reboot', only reprovision"],
            await FaultsAsync(spec with { Action = new JobAction(mine, "reboot") }));
        Assert.Equal(
            ["action: controlplane#reprovision is followed by itself; leave out what to ask, and the executor"],
            await FaultsAsync(spec with { Action = spec.Action with { ExecutorId = "id" } }));
        Assert.Contains(
            "action: ", Assert.Single(await FaultsAsync(spec with { Action = spec.Action with { InputsJson = """{"now":true}""" } })),
            StringComparison.Ordinal);
    }

    Task<AgentDdl?> IAgentDdls.FindAsync(string agent, CancellationToken cancellationToken) => Task.FromResult(ddl);

    IReadOnlyList<string> IAgentDdls.Faults => [];

    private static bool IsTooLong(string fault) => fault.StartsWith("targets: the names are too many", StringComparison.Ordinal);

    private static string[] Names(Func<int, string> name) => [.. Enumerable.Range(0, NamesMax).Select(name)];

    private async Task<IReadOnlyList<string>> FaultsAsync(JobSpec spec) => (await CheckAsync(spec)).Faults;

    private Task<(JobSpec Spec, IReadOnlyList<string> Faults)> CheckAsync(JobSpec spec)
    {
        var sites = new JobSites(null!, new NoSiteLink(), new Fixed<OverlaysOptions>(overlays));
        var others = new FakeReceivers();
        var receivers = new JobReceivers(others, others, sites, new Fixed<JobsOptions>(new JobsOptions()), TimeProvider.System);
        var checks = new JobChecks(new JobActions(this), sites, receivers, jobs);
        return checks.CheckAsync(spec, TestContext.Current.CancellationToken);
    }
}
