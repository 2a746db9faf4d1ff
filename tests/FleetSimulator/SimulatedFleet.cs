using System.Collections.Concurrent;
using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;
using ControlPlane.FleetSimulator.Tokens;

namespace ControlPlane.FleetSimulator;

/// <summary>Choria nodes that live in this process and speak the real protocol to real brokers.</summary>
/// <remarks>They start when the fleet does and end when it is disposed. Everything here may be called from any thread.</remarks>
public sealed class SimulatedFleet : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly SimulatedFleetOptions options;
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim connecting;
    private readonly SessionPool sessions;
    private readonly NodeRunner[] runners;
    private readonly ConcurrentBag<NodeRunner> copies = [];
    private readonly Task ticking;
    private readonly Task launching;

    private SimulatedFleet(SimulatedFleetOptions options, IRsaKeySource keys)
    {
        this.options = options;
        NodesPerConnection = ConnectionBudget.NodesPerConnection(options.Nodes, options.NodesPerConnection);
        connecting = new SemaphoreSlim(options.ConnectsAtOnce);
        sessions = new SessionPool(NodesPerConnection);
        var limits = new SessionLimits(connecting, options.ConnectTimeout, options.ResumeTls, options.Time);
        var fleet = new FleetEnvironment(options, sessions, limits, keys, new RequestDecoder(), stopping.Token);
        runners = MakeRunners(options, fleet);
        Nodes = [.. runners.Select(runner => runner.View)];
        launching = LaunchAsync();
        ticking = FleetTicker.RunAsync(options, runners, copies, sessions, stopping.Token);
    }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    /// <summary>How many nodes share one connection: as asked, or more when the process may not open so many files.</summary>
    public int NodesPerConnection { get; }

    /// <summary>How many nodes are meant to be enrolled, in spite of their fault if they have one.</summary>
    public int ExpectedArrivals => Nodes.Count(node => node.MayArrive);

    /// <summary>Makes the keys and tokens and starts the nodes; returns while they are still connecting.</summary>
    /// <exception cref="ArgumentException">The options do not make a fleet.</exception>
    public static async Task<SimulatedFleet> StartAsync(SimulatedFleetOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Nodes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.NodesPerConnection, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ConnectsAtOnce, 1);
        IRsaKeySource keys = options.KeyPool > 0
            ? await Task.Run(() => RsaKeyPool.Open(options.KeyPool, options.PairKeys, options.KeyFolder), cancellationToken)
            : new RsaKeyMaker();
        return new SimulatedFleet(options, keys);
    }

    /// <summary>Waits until so many nodes have announced themselves; all of them unless told otherwise. False when time runs out.</summary>
    public Task<bool> WaitForAnnouncementsAsync(TimeSpan timeout, int? nodes = null, CancellationToken cancellationToken = default) =>
        WaitAsync(node => node.AnnouncedAt is not null, nodes ?? Nodes.Count, timeout, cancellationToken);

    /// <summary>Waits until so many nodes serve on their target network; all that may by default. False when time runs out.</summary>
    public Task<bool> WaitForArrivalsAsync(TimeSpan timeout, int? nodes = null, CancellationToken cancellationToken = default) =>
        WaitAsync(node => node.Stage == SimulatedNodeStage.Arrived, nodes ?? ExpectedArrivals, timeout, cancellationToken);

    /// <summary>Ends a node's process without a word, as a power cut does.</summary>
    /// <exception cref="ArgumentException">There is no such node.</exception>
    public void Crash(string identity) => RunnerOf(identity).End();

    /// <summary>Starts a node again that crashed. Returns when it has announced itself.</summary>
    /// <exception cref="ArgumentException">There is no such node.</exception>
    public Task StartAgainAsync(string identity) => RunnerOf(identity).StartAsync();

    /// <summary>Starts another machine with a copy of a node's disk, and other facts. Ended with the fleet; not among its nodes.</summary>
    /// <exception cref="ArgumentException">There is no such node.</exception>
    public async Task<SimulatedNode> StartCopyAsync(string identity, string factsJson)
    {
        var original = RunnerOf(identity);
        var profile = original.Profile with { FactsJson = Encoding.UTF8.GetBytes(factsJson) };
        var copy = original.CopyTo(runners.Length + copies.Count, profile, new SimulatedNode(identity, profile.Protocol, profile.Fault));
        copies.Add(copy);
        await copy.StartAsync();
        return copy.View;
    }

    /// <summary>Counts the nodes by stage and their calls.</summary>
    public FleetProgress Progress() => FleetProgress.Of(Nodes);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await launching;
        await ticking;
        foreach (var runner in runners.Concat(copies))
        {
            runner.End();
        }
    }

    private NodeRunner RunnerOf(string identity) =>
        Array.Find(runners, runner => runner.View.Identity == identity) ?? throw new ArgumentException(
            $"there is no node {identity}", nameof(identity));

    private static NodeRunner[] MakeRunners(SimulatedFleetOptions options, FleetEnvironment fleet)
    {
        var random = new Random(options.Seed);
        var faults = FaultPlan.Make(options.Nodes, options.Faults, random);
        using var mint = new TokenMint(options, random);
        using var enrolled = options.Enrolled is { } home ? new EnrolledFiles(home, options, random) : null;
        var made = new NodeRunner[options.Nodes];
        for (var index = 0; index < made.Length; index++)
        {
            var profile = NodeProfiles.Make(index, faults[index], options, mint);
            var view = new SimulatedNode(profile.Identity, profile.Protocol, profile.Fault);
            var files = enrolled?.For(profile.Identity) ?? NodeFiles.Empty;
            view.Show(files);
            made[index] = new NodeRunner(index, profile, view, fleet, files);
        }

        return made;
    }

    private async Task LaunchAsync()
    {
        await Task.Yield();
        var began = options.Time.GetTimestamp();
        for (var index = 0; index < runners.Length && !stopping.IsCancellationRequested; index++)
        {
            var due = options.ArriveWithin * ((double)index / runners.Length);
            var early = due - options.Time.GetElapsedTime(began);
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, options.Time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            _ = runners[index].StartAsync();
        }
    }

    private async Task<bool> WaitAsync(Func<SimulatedNode, bool> reached, int nodes, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var began = options.Time.GetTimestamp();
        while (Nodes.Count(reached) < nodes)
        {
            if (options.Time.GetElapsedTime(began) > timeout)
            {
                return false;
            }

            await Task.Delay(PollInterval, options.Time, cancellationToken);
        }

        return true;
    }
}
