using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>Brokers, Redis, silos, then a fleet; follows it until it is enrolled and checks that it is.</summary>
internal sealed class DemoRun(DemoOptions options, IDemoDisplay display, TimeProvider time)
{
    /// <summary>RSA keys are generated at some 25 a second on two cores; those of a larger fleet are paired of fewer.</summary>
    private const int GeneratedKeysMax = 100;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    private readonly SortedSet<string> exceeded = new(StringComparer.Ordinal);

    private readonly int apiPort = LoopbackPort.IsFree(options.ApiPort) ? options.ApiPort : LoopbackPort.Free();

    private bool HasSites => options.Overlays > 1;

    /// <returns>The exit code: 0 when all is as it should be.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = DemoFolder.Take();
        var names = HasSites ? Enumerable.Range(0, options.Overlays).Select(EnrolmentStage.NameOf).ToArray() : ["silo"];
        var logs = names.Select(name => TextWriter.Synchronized(new StreamWriter(folder.LogOf(name)) { AutoFlush = true })).ToArray();
        try
        {
            return await RunAsync(folder, names, logs, cancellationToken);
        }
        finally
        {
            await Task.WhenAll(logs.Select(log => log.DisposeAsync().AsTask()));
        }
    }

    private async Task<int> RunAsync(DemoFolder folder, string[] names, TextWriter[] logs, CancellationToken cancellationToken)
    {
        display.Say($"starting {Brokers()}, {Others()}");
        await using var access = options.Access
            ? await AccessStage.StartAsync(new Uri($"http://127.0.0.1:{apiPort}"), folder.Path, cancellationToken)
            : null;
        await using var stage = await EnrolmentStage.StartAsync(StageOptions(folder, access), cancellationToken);
        await StartSilosAsync(stage, logs, cancellationToken);
        for (var number = 0; number < names.Length; number++)
        {
            var title = HasSites ? $"{names[number]}{(number == 0 ? " (leads the region; all nodes come in here)" : "")}  " : "";
            display.Say($"{title}console: {stage.Silos[number]!.Api.BaseAddress}  log: {folder.LogOf(names[number])}");
        }

        var view = new FleetView(stage, options.Overlays);
        if (options.Policy is not null || HasSites)
        {
            var policy = options.Policy ?? Path.Combine(RepositoryRoot.Path, "infra/demo/policy.yaml");
            display.Say(await view.Region(0).ApplyAsync(policy, cancellationToken));
        }

        var simulated = FleetOptions(folder, stage);
        display.Say(simulated.KeyPool == 0 ? "nodes make Ed25519 keys" : $"nodes have {simulated.KeyPool} RSA keys, kept in {folder.Keys}");
        display.Say($"starting {options.Nodes} nodes of protocol {options.Protocol.ToString().ToLowerInvariant()}");
        await using var fleet = await SimulatedFleet.StartAsync(simulated, cancellationToken);
        await FollowAsync(stage, fleet, view, logs[^1], cancellationToken);

        var judge = new DemoVerdict(options, display, time, fleet, view, stage.Brokers);
        var faults = await judge.GiveAsync(cancellationToken, known: [.. exceeded]);
        if (HasSites && faults == 0)
        {
            var (left, moves) = await new RetirementRun(options, display, time, view).RunAsync(fleet, cancellationToken);
            faults = await judge.GiveAsync(cancellationToken, left, moves);
        }

        if (!HasSites && faults == 0)
        {
            faults = await new JobRun(display, time, stage.Silo!.Api).RunAsync(
                fleet.Nodes.Count(node => node.ArrivedAt is not null), cancellationToken);
        }

        faults += access is null ? SayHowToTry() : await ShowRolesAsync(access, stage, fleet, cancellationToken);
        await FleetReport.WriteAsync(fleet.Nodes, folder.Report, cancellationToken);
        if (!options.Exit)
        {
            display.Say("everything keeps running; Ctrl-C ends it");
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return faults == 0 ? 0 : 1;
    }

    private int SayHowToTry()
    {
        display.Say("whoever reaches the loopback may do everything here; to try roles: make demo ARGS=\"--access\"");
        return 0;
    }

    private async Task<int> ShowRolesAsync(
        AccessStage access, EnrolmentStage stage, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var proof = new AccessProof(access, stage.Silos[0]!.Api, display);
        var node = fleet.Nodes.Last(one => one.MayArrive).Identity;
        await proof.ExplainAsync(node, cancellationToken);
        if (!options.Exit)
        {
            return 0;
        }

        var faults = await proof.FaultsAsync(node, cancellationToken);
        faults.ToList().ForEach(fault => display.Say($"fault: {fault}"));
        return faults.Count;
    }

    // Sites know nothing of each other while they start. Silos of one cluster join one after the other.
    private async Task StartSilosAsync(EnrolmentStage stage, TextWriter[] logs, CancellationToken cancellationToken)
    {
        if (HasSites)
        {
            await Task.WhenAll(logs.Select((log, site) => stage.StartSiloAsync(cancellationToken, log.WriteLine, site)));
            return;
        }

        for (var number = 0; number < options.Silos; number++)
        {
            await stage.StartSiloAsync(cancellationToken, logs[0].WriteLine, number);
        }
    }

    private string Others() => (options.Overlays, options.Silos) switch
    {
        (1, 1) => "redis-server and the silo",
        (1, var silos) => $"redis-server and {silos} silos",
        (var overlays, _) => $"{overlays} redis-servers and {overlays} silos, each a cluster of its own",
    };

    private string Brokers() => (options.OnChoriaBrokers, options.Overlays) switch
    {
        (true, 1) => "a broker as strict as Choria's",
        (true, var overlays) => $"{overlays} brokers as strict as Choria's",
        (false, 1) => "nats-server (provisioning, overlay)",
        (false, var overlays) => $"nats-server (provisioning, {overlays} overlays)",
    };

    private async Task FollowAsync(
        EnrolmentStage stage, SimulatedFleet fleet, FleetView view, TextWriter siloLog, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var toKill = options.KillSilo;

        // Of several the last: the first serves the console that someone may be looking at.
        var victim = options.Silos - 1;
        while (true)
        {
            var counts = await view.CountAsync(cancellationToken);
            var progress = DemoProgress.Of(fleet, counts, time.GetElapsedTime(began));
            display.Show(progress);
            if (HasSites && counts is not null)
            {
                exceeded.UnionWith(PlacementVerification.LimitFaults(await view.OverlaysAsync(cancellationToken)));
            }

            if (progress.IsDone || progress.Elapsed > options.Patience)
            {
                return;
            }

            if (toKill && fleet.Progress().Arrived * 2 >= fleet.ExpectedArrivals)
            {
                toKill = false;
                await stage.Silos[victim]!.KillAsync();
                display.Say($"killed a silo (SIGKILL) with {fleet.Progress().Arrived} nodes arrived; starting it again");
                await stage.StartSiloAsync(cancellationToken, siloLog.WriteLine, victim);
                display.Say("the silo is ready again");
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    private EnrolmentStageOptions StageOptions(DemoFolder folder, AccessStage? access)
    {
        // Built beside us in the same configuration.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return new EnrolmentStageOptions
        {
            SiloProgram = Path.Combine(RepositoryRoot.Path, "Silo/bin", configuration, "net10.0/controlplane.dll"),
            Folder = folder.Path,
            Silos = options.Silos,
            Overlays = options.Overlays,
            OwnClusters = HasSites,
            Receptions = [0],
            HardLimit = HasSites ? options.HardLimit : null,
            RegistrationInterval = options.RegistrationInterval,
            ApiPort = apiPort,
            ApiToken = access?.Token,
            MoreConfiguration = access?.Configuration ?? "",

            // Nodes of protocol v2 show tokens, not certificates, to their overlay's broker.
            MutualTls = options.Protocol == FleetProtocol.V1,
            ChoriaBrokers = options.OnChoriaBrokers,
        };
    }

    private SimulatedFleetOptions FleetOptions(DemoFolder folder, EnrolmentStage stage)
    {
        var withKeys = options.Protocol switch { FleetProtocol.V1 => options.Nodes, FleetProtocol.V2 => 0, _ => (options.Nodes + 1) / 2 };
        return Stages.FleetOn(stage.Brokers, stage.Secrets) with
        {
            Nodes = options.Nodes,
            ExtensionsPattern = $"{{\"customer\":\"customer{{n%{options.Customers}:00}}\","
                + $"\"expectedNodes\":{(options.Nodes + options.Customers - 1) / options.Customers}}}",
            Protocol = options.Protocol,
            Faults = new Dictionary<SimulatedFault, FaultShare>
            {
                [SimulatedFault.Dead] = options.Dead,
                [SimulatedFault.ForgedToken] = options.Forged,
            },
            KeyPool = withKeys,
            PairKeys = withKeys > GeneratedKeysMax,
            KeyFolder = folder.Keys,
        };
    }
}
