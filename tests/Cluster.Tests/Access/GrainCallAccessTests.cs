using System.Collections.Concurrent;
using System.Security.Cryptography;
using ControlPlane.Access;
using ControlPlane.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>What a client of the gateway may call, whatever it writes into its messages.</summary>
public sealed class GrainCallAccessTests : IAsyncLifetime
{
    private const string SealKey = "controlplane.caller";

    private static readonly byte[] SiteKey = RandomNumberGenerator.GetBytes(32);

    private readonly Recorded recorded = new();
    private readonly Limits limits = new();
    private readonly Starting starting = new();
    private InProcessTestCluster cluster = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(2);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new CallerSeal([SiteKey], TimeProvider.System));
            silo.Services.AddSingleton<ITokenAuthenticator, Tokens>();
            silo.Services.AddSingleton<IAccessPolicy, OnlyPublic>();
            silo.Services.AddSingleton<IAuditTrail>(recorded);
            silo.Services.AddSingleton<ICallLimits>(limits);
            silo.Services.AddSingleton<AccessGuard>();
            silo.AddGrainAccess();
        });
        builder.ConfigureClient(client => client.AddOutgoingGrainCallFilter(starting));
        cluster = builder.Build();
        await cluster.DeployAsync();
        starting.IsOver = true;
    }

    public async ValueTask DisposeAsync() => await cluster.DisposeAsync();

    [Fact]
    public async Task ACallWithoutAToken_IsDenied_AndRecorded()
    {
        await Assert.ThrowsAsync<NotAuthenticatedException>(() => Call(token: null, grain => grain.WhoAsks()));

        Assert.Contains("failed nobody sys.client/*: no token came, for IAskedForTest.WhoAsks", recorded.Lines);
        Assert.Empty(limits.Failures);
    }

    [Fact]
    public async Task ACallWithABadToken_IsDenied_CountedAndRecorded()
    {
        await Assert.ThrowsAsync<NotAuthenticatedException>(() => Call("stolen", grain => grain.WhoAsks()));

        Assert.Contains("failed nobody sys.client/*: the token is not good, for IAskedForTest.WhoAsks", recorded.Lines);
        Assert.StartsWith("sys.client/", Assert.Single(limits.Failures).Address, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClientThatFailedTooOften_AndAPrincipalThatDid_AreNotHeard()
    {
        limits.Locked = "eve";
        await Assert.ThrowsAsync<TooManyCallsException>(() => Call("eve", grain => grain.WhoAsks()));
        Assert.Contains("failed eve sys.client/*: locked, for IAskedForTest.WhoAsks", recorded.Lines);

        limits.Slowed = "ann";
        await Assert.ThrowsAsync<TooManyCallsException>(() => Call("ann", grain => grain.WhoAsks()));
        Assert.DoesNotContain(recorded.Lines, line => line.Contains("failed ann", StringComparison.Ordinal));

        limits.AreClientsLocked = true;
        await Assert.ThrowsAsync<TooManyCallsException>(() => Call("bob", grain => grain.WhoAsks()));
        Assert.Contains("failed nobody sys.client/*: locked, for IAskedForTest.WhoAsks", recorded.Lines);
    }

    [Fact]
    public async Task TheHolderOfAToken_IsWhoAsks_AlsoBehindAnotherGrain()
    {
        Assert.Equal("ann", await Call("ann", grain => grain.WhoAsks()));
        Assert.Equal("ann", await Call("ann", grain => grain.WhoAsksBehind()));
        Assert.Equal(["begin IAskedForTest.WhoAsksBehind ann", "end ok"], recorded.Lines.TakeLast(2));
    }

    [Fact]
    public async Task ACallOfAClient_HasItsIdForAnAddress_AndATrace_AlsoBehindAnotherGrain()
    {
        var from = (await Call("ann", grain => grain.WhereFromBehind())).Split(' ');

        Assert.StartsWith("sys.client/", from[0], StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{32}$", from[1]);
        Assert.NotEqual(from[1], (await Call("ann", grain => grain.WhereFromBehind())).Split(' ')[1]);
        Assert.Contains(from[1], recorded.Traces);
    }

    [Fact]
    public async Task AReason_IsJudged_WhicheverWayItIsGiven()
    {
        await Call("ann", grain => grain.GiveReason("CHG-1"));
        await Call("ann", grain => grain.Change(new ControlPlane.Enrolment.ControlChange("CHG-2")));

        Assert.Equal(["CHG-1", "CHG-2"], recorded.Reasons);
    }

    [Fact]
    public async Task WhatThePolicyDenies_IsRecorded_AndNotDone()
    {
        await Assert.ThrowsAsync<AccessDeniedException>(() => Call("ann", grain => grain.Forbidden()));

        Assert.Equal("begin IAskedForTest.Forbidden ann denied", recorded.Lines.Last());
        Assert.False(await Call("ann", grain => grain.WasDone()));
    }

    [Theory]
    [InlineData("puppet", true)]
    [InlineData("service", false)]
    public async Task AJobAndASchedule_AreJudgedByTheirAgent(string agent, bool isAllowed)
    {
        var job = new JobSpec(new JobAction(agent, "status"), new JobTargets { Identities = ["web1"] });
        foreach (var call in (Func<IAskedForTest, Task<string>>[])
            [grain => grain.TakeJob(job), grain => grain.TakeSchedule(new JobSchedule(job, "0 2 * * *"))])
        {
            if (isAllowed)
            {
                Assert.Equal(agent, await Call("ann", call));
            }
            else
            {
                await Assert.ThrowsAsync<AccessDeniedException>(() => Call("ann", call));
            }
        }
    }

    [Fact]
    public async Task AMethodThatIsNotPublic_IsDenied_EvenToWhoIsAuthenticated_AndRecorded()
    {
        await Assert.ThrowsAsync<AccessDeniedException>(() => CallInner("ann", grain => grain.WhoAsks()));

        Assert.Equal("begin IAskedInside.WhoAsks ann denied", recorded.Lines.Last());
    }

    [Fact]
    public async Task AClientThatWritesTheCallerItself_IsDenied()
    {
        var stranger = new CallerSeal([RandomNumberGenerator.GetBytes(32)], TimeProvider.System);
        foreach (var forged in (string[])["ann", stranger.Seal(Caller.System)])
        {
            RequestContext.Set(SealKey, forged);
            await Assert.ThrowsAsync<NotAuthenticatedException>(() => Call(token: null, grain => grain.WhoAsks()));
            await Assert.ThrowsAsync<AccessDeniedException>(() => CallInner(token: null, grain => grain.WhoAsks()));
        }
    }

    [Fact]
    public async Task OrleansOwnGrains_AreDeniedToClients() =>
        await Assert.ThrowsAsync<AccessDeniedException>(
            () => cluster.Client.GetGrain<IManagementGrain>(0).GetTotalActivationCount(TestContext.Current.CancellationToken));

    [Fact]
    public async Task WhatASiloDoesByItself_IsTheSystems()
    {
        var silo = cluster.Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>();

        Assert.Equal("system", await silo.GetGrain<IAskedForTest>("a").WhoAsks());
        Assert.Equal("system", await silo.GetGrain<IAskedInside>("b").WhoAsks());
    }

    [Fact]
    public async Task AGrainsTimer_TicksAsTheSystem_WhoeverWokeTheGrain()
    {
        await Call("ann", grain => grain.StartTimer());

        await ControlPlane.TestKit.Readiness.UntilAsync(
            async _ => await Call("ann", grain => grain.TickedAs()) == "system", "the timer ticks", TestContext.Current.CancellationToken);
    }

    private Task<T> Call<T>(string? token, Func<IAskedForTest, Task<T>> call)
    {
        Use(token);
        return call(cluster.Client.GetGrain<IAskedForTest>("a"));
    }

    private Task CallInner(string? token, Func<IAskedInside, Task> call)
    {
        Use(token);
        return call(cluster.Client.GetGrain<IAskedInside>("a"));
    }

    private static void Use(string? token)
    {
        if (token is not null)
        {
            CallToken.Use(token);
        }
        else
        {
            RequestContext.Remove(CallToken.Key);
        }
    }

    /// <summary>What starts the silos asks them how they stand, as one of them.</summary>
    private sealed class Starting : IOutgoingGrainCallFilter
    {
        private readonly CallerSeal seal = new([SiteKey], TimeProvider.System);

        public bool IsOver { get; set; }

        public async Task Invoke(IOutgoingGrainCallContext context)
        {
            if (!IsOver)
            {
                RequestContext.Set(SealKey, seal.Seal(Caller.System));
            }

            await context.Invoke();
        }
    }

    /// <summary>Each token is its holder's name, but for a stolen one.</summary>
    private sealed class Tokens : ITokenAuthenticator
    {
        public ValueTask<Caller?> AuthenticateAsync(string token, CancellationToken cancellationToken) =>
            new(token == "stolen" ? null : new Caller { Principal = token, Method = CallerMethod.AccessToken });
    }

    private sealed class OnlyPublic : IAccessPolicy
    {
        public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
            new(new AccessDecision(request is not ({ Permission: Permissions.NodesDecommission } or { Agent: "service" }), "test", "1"));
    }

    private sealed class Recorded : IAuditTrail
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ConcurrentQueue<string?> Traces { get; } = new();

        public ConcurrentQueue<string> Reasons { get; } = new();

        public Task<AuditedCall> BeginAsync(
            Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
        {
            Traces.Enqueue(caller.Trace);
            if (request.Reason is { } reason)
            {
                Reasons.Enqueue(reason);
            }

            Lines.Enqueue($"begin {Short(request.Operation)} {caller.Principal}{(decision.IsAllowed ? "" : " denied")}");
            return Task.FromResult(new AuditedCall("1", caller, request, decision));
        }

        public Task EndAsync(AuditedCall call, string outcome)
        {
            Lines.Enqueue($"end {outcome}");
            return Task.CompletedTask;
        }

        public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why)
        {
            // Of the client's id its kind, and of the operation what the test calls.
            var words = why.Split(", for ");
            Lines.Enqueue($"failed {principal ?? "nobody"} {address?.Split('/')[0]}/*: {words[0]}, for {Short(words[1])}");
            return Task.CompletedTask;
        }

        private static string Short(string operation) =>
            operation[(operation.LastIndexOf('.', operation.LastIndexOf('.') - 1) + 1)..];
    }

    /// <summary>Hears everybody but those whom a test names.</summary>
    private sealed class Limits : ICallLimits
    {
        public ConcurrentQueue<SignInAttempt> Failures { get; } = new();

        public bool AreClientsLocked { get; set; }

        public string? Locked { get; set; }

        public string? Slowed { get; set; }

        public CallRefusal? LockOf(SignInAttempt attempt) =>
            AreClientsLocked ? new CallRefusal(IsLock: true, TimeSpan.FromMinutes(5), "locked") : null;

        public void Failed(SignInAttempt attempt) => Failures.Enqueue(attempt);

        public CallRefusal? Take(Caller caller) => caller.Principal == Locked || caller.Principal == Slowed
            ? new CallRefusal(caller.Principal == Locked, TimeSpan.FromMinutes(5), caller.Principal == Locked ? "locked" : "slowed")
            : null;
    }
}

[Alias("AskedForTest")]
public interface IAskedForTest : IGrainWithStringKey
{
    [Alias("WhoAsks"), Requires(Permissions.NodesRead)]
    Task<string> WhoAsks();

    [Alias("WhoAsksBehind"), Requires(Permissions.NodesReprovision)]
    Task<string> WhoAsksBehind();

    [Alias("WhereFromBehind"), Requires(Permissions.NodesReprovision)]
    Task<string> WhereFromBehind();

    [Alias("GiveReason"), Requires(Permissions.JobsControl)]
    Task<bool> GiveReason(string reason);

    [Alias("Change"), Requires(Permissions.EnrolmentControl)]
    Task<bool> Change(ControlPlane.Enrolment.ControlChange change);

    [Alias("Forbidden"), Requires(Permissions.NodesDecommission)]
    Task<bool> Forbidden();

    [Alias("WasDone"), Requires(Permissions.NodesRead)]
    Task<bool> WasDone();

    [Alias("TakeJob"), Requires(Permissions.JobsRun)]
    Task<string> TakeJob(JobSpec job);

    [Alias("TakeSchedule"), Requires(Permissions.JobsRun)]
    Task<string> TakeSchedule(JobSchedule schedule);

    [Alias("StartTimer"), Requires(Permissions.NodesRead)]
    Task<bool> StartTimer();

    [Alias("TickedAs"), Requires(Permissions.NodesRead)]
    Task<string> TickedAs();
}

/// <summary>A contract between our own grains: it names no permission.</summary>
[Alias("AskedInside")]
public interface IAskedInside : IGrainWithStringKey
{
    [Alias("WhoAsks")]
    Task<string> WhoAsks();

    [Alias("WhereFrom")]
    Task<string> WhereFrom();

    /// <returns>The silo in which the grain is.</returns>
    [Alias("WhereItRuns")]
    Task<string> WhereItRuns();
}

internal sealed class AskedGrain : Grain, IAskedForTest, IAskedInside
{
    private bool done;
    private string tickedAs = "";

    public Task<string> WhoAsks() => Task.FromResult(CallerContext.Actor);

    public Task<string> WhoAsksBehind() => GrainFactory.GetGrain<IAskedInside>("behind").WhoAsks();

    public Task<string> WhereFromBehind() => GrainFactory.GetGrain<IAskedInside>("behind").WhereFrom();

    public Task<string> WhereFrom() => Task.FromResult($"{CallerContext.Current.Address} {CallerContext.Current.Trace}");

    public Task<string> WhereItRuns() => Task.FromResult(RuntimeIdentity);

    public Task<bool> GiveReason(string reason) => Task.FromResult(true);

    public Task<bool> Change(ControlPlane.Enrolment.ControlChange change) => Task.FromResult(true);

    public Task<bool> Forbidden() => Task.FromResult(done = true);

    public Task<bool> WasDone() => Task.FromResult(done);

    public Task<string> TakeJob(JobSpec job) => Task.FromResult(job.Action.Agent);

    public Task<string> TakeSchedule(JobSchedule schedule) => Task.FromResult(schedule.Job.Action.Agent);

    public Task<bool> StartTimer()
    {
        this.RegisterGrainTimer(
            _ =>
            {
                tickedAs = CallerContext.Actor;
                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(TimeSpan.Zero, TimeSpan.FromMilliseconds(50)) { Interleave = true });
        return Task.FromResult(true);
    }

    public Task<string> TickedAs() => Task.FromResult(tickedAs);
}
