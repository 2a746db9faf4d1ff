using ControlPlane.Certificates;
using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A silo whose clock the test sets on, and whose CA fails as the test wants it to.</summary>
public sealed class VirtualTimeCluster : NodeCluster
{
    private const int RestLooksMax = 1000;
    private static readonly TimeSpan MachineMax = TimeSpan.FromMinutes(1);

    public VirtualTimeCluster() => Provisioning = options => options.RetryDelayMax = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Begins now: Orleans takes a silo whose address is of long before this clock's time for a dead one. Goes on by a microsecond with
    /// each look at it: Orleans waits for a part of a millisecond by looking again and again, inside of the call that sets the clock on.
    /// </summary>
    public FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow()) { AutoAdvanceAmount = TimeSpan.FromMicroseconds(1) };

    public ScriptedIssuer Vault { get; } = new("vault");

    protected override TimeProvider Time => Clock;

    protected override ScriptedIssuer? Authority => Vault;

    // It answers or fails at once: how long the machine takes for that is no fault of the CA.
    protected override void AddMore(IServiceCollection services) => services.Configure<CertificatesOptions>(
        options => options.Issuers[Vault.Name] = new IssuerOptions { Timeout = MachineMax, StalledAfter = MachineMax });

    /// <summary>Lets time pass until something is so; what happens in between takes as long as the machine needs.</summary>
    internal async Task PassUntil(TimeSpan limit, Func<Task<bool>> condition)
    {
        for (var passed = TimeSpan.Zero; !await condition(); passed += TimeSpan.FromSeconds(1))
        {
            Assert.True(passed < limit, $"not within {limit}");
            Clock.Advance(TimeSpan.FromSeconds(1));
            await Rest();
        }
    }

    // Nothing waits for a thread at several looks in a row: on a busy machine a second of this clock takes as long as its work.
    private static async Task Rest()
    {
        var quiet = 0;
        for (var look = 0; quiet < 4 && look < RestLooksMax; look++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TestContext.Current.CancellationToken);
            quiet = ThreadPool.PendingWorkItemCount == 0 ? quiet + 1 : 0;
        }
    }

    internal Task StartAsync() => WhileTimeGoesOn(InitializeAsync().AsTask());

    internal Task StopAsync() => WhileTimeGoesOn(DisposeAsync().AsTask());

    // A silo joins its cluster and ends its grains by timers of this clock; while it stands still, a stop takes 30 seconds.
    private async Task WhileTimeGoesOn(Task work)
    {
        while (!work.IsCompleted)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }

        await work;
    }

    internal Task Pass(TimeSpan time)
    {
        var until = Clock.GetUtcNow() + time;
        return PassUntil(time + TimeSpan.FromSeconds(2), () => Task.FromResult(Clock.GetUtcNow() >= until));
    }
}

/// <summary>What the CA does wrong is no verdict on a node.</summary>
public sealed class PlaneFaultTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private readonly VirtualTimeCluster cluster = new();

    public async ValueTask InitializeAsync() => await cluster.StartAsync();

    public async ValueTask DisposeAsync() => await cluster.StopAsync();

    [Fact]
    public async Task OneKeyIsBurnt_AndNobodyIsQuarantined_WhileABalancerAnswers502ForHalfAMinute()
    {
        var isAway = true;
        cluster.Vault.BeforeSigning = (_, _) => isAway ? throw new IssuerOutcomeUnknownException("502 Bad Gateway") : Task.CompletedTask;
        var nodes = Names("balanced", 4);

        // The balancer's servers go away after the first node was let in: nobody could know.
        await cluster.Start(nodes[0]);
        await cluster.PassUntil(Patience, () => Task.FromResult(cluster.Vault.Calls > 0));
        cluster.Vault.Health = () => isAway ? new IssuerHealth(false, "502 Bad Gateway") : new IssuerHealth(true, "active");
        foreach (var node in nodes.Skip(1))
        {
            await cluster.Start(node);
        }

        await cluster.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(1, nodes.Sum(KeysOf));
        Assert.All(await Snapshots(nodes), node => Assert.NotEqual(NodeStage.Quarantined, node.Stage));

        isAway = false;
        await AllEnrol(nodes);
        Assert.Equal(nodes.Count + 1, nodes.Sum(KeysOf));
    }

    [Fact]
    public async Task NobodyIsQuarantined_WhileACaRefusesEverybody_AndAllEnrolWhenItIsMended()
    {
        var isMended = false;
        cluster.Vault.BeforeSigning = (_, _) =>
            isMended ? Task.CompletedTask : throw new IssuerRefusedException("common name not allowed by this role");
        var nodes = Names("refused", 8);
        foreach (var node in nodes)
        {
            await cluster.Start(node);
        }

        await cluster.PassUntil(Patience, async () => (await Snapshots(nodes)).All(node => node.Reason is not null));
        await cluster.Pass(TimeSpan.FromMinutes(2));
        Assert.All(await Snapshots(nodes), node => Assert.Equal(NodeStage.Deferred, node.Stage));
        var (_, health) = Assert.Single(
            await cluster.Service<GuardedIssuers>().CheckAsync(TestContext.Current.CancellationToken), check => check.Issuer == "vault");
        Assert.False(health.Healthy);
        Assert.Contains("not allowed by this role", health.Detail, StringComparison.Ordinal);

        isMended = true;
        await AllEnrol(nodes);
        Assert.All(nodes, node => Assert.Equal(1, KeysOf(node)));
    }

    [Fact]
    public async Task ANodeIsQuarantined_WhomTheCaRefuses_WhileItSignsForOthers()
    {
        const string refused = "refused-alone.example.net";
        cluster.Vault.BeforeSigning = (order, _) => order.Subject.CommonName == refused
            ? throw new IssuerRefusedException("common name not allowed by this role")
            : Task.CompletedTask;
        await cluster.Start(refused);
        await cluster.PassUntil(Patience, async () => (await cluster.Node(refused).Get()).Reason is not null);
        Assert.Equal(NodeStage.Deferred, (await cluster.Node(refused).Get()).Stage);

        for (var number = 0; (await cluster.Node(refused).Get()).Stage != NodeStage.Quarantined; number++)
        {
            await AllEnrol([$"signed-{number}.example.net"]);
            await cluster.Pass(TimeSpan.FromMinutes(1));
            Assert.True(number < 10);
        }

        Assert.Equal(Refusal.IssuerRefused, (await cluster.Node(refused).Get()).Refusal);
    }

    [Fact]
    public async Task ANodeEnrols_HoweverOftenAStepOfItFailsByAFaultOfOurs()
    {
        const string node = "held-up.example.net";
        for (var time = 0; time < 2 * new ProvisioningOptions().FailuresMax; time++)
        {
            cluster.Nodes[node].FailNext("inventory", new InvalidOperationException("a bug of ours"));
        }

        await AllEnrol([node]);
        var history = (await cluster.Node(node).Get()).History;
        Assert.Contains(history, step => step is { Stage: NodeStage.Deferred, Detail: "the step 'inspect' failed: a bug of ours" });
    }

    [Fact]
    public async Task ANodeIsQuarantined_ThatRefusesAgainAndAgain()
    {
        const string node = "refusing.example.net";
        for (var time = 0; time < new ProvisioningOptions().FailuresMax; time++)
        {
            cluster.Nodes[node].FailNext("configure", new NodeRefusedException(NodeFault.Other, "disk full"));
        }

        await cluster.Start(node);
        await cluster.PassUntil(Patience, async () => (await cluster.Node(node).Get()).Stage == NodeStage.Quarantined);
        Assert.Equal(Refusal.ConfigurationRefused, (await cluster.Node(node).Get()).Refusal);
    }

    private static List<string> Names(string what, int count) =>
        [.. Enumerable.Range(1, count).Select(number => $"{what}-{number}.example.net")];

    private int KeysOf(string node) => cluster.Nodes[node].Calls.Count(call => call == "gencsr");

    private Task<NodeSnapshot[]> Snapshots(IEnumerable<string> nodes) => Task.WhenAll(nodes.Select(node => cluster.Node(node).Get()));

    private async Task AllEnrol(IReadOnlyCollection<string> nodes)
    {
        foreach (var node in await Snapshots(nodes))
        {
            if (node.Stage == NodeStage.Unknown)
            {
                await cluster.Start(node.Identity);
            }
        }

        await cluster.PassUntil(Patience, async () =>
        {
            foreach (var node in (await Snapshots(nodes)).Where(node => node.Stage == NodeStage.Restarted))
            {
                await cluster.Arrive(node.Identity);
            }

            return (await Snapshots(nodes)).All(node => node.Stage == NodeStage.Enrolled);
        });
    }
}
