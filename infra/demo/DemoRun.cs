using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>Brokers, Redis, a silo, then a fleet; follows it until it is enrolled and checks that it is.</summary>
internal sealed class DemoRun(DemoOptions options, IDemoDisplay display, TimeProvider time)
{
    /// <summary>RSA keys are generated at some 25 a second on two cores; those of a larger fleet are paired of fewer.</summary>
    private const int GeneratedKeysMax = 100;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    /// <returns>The exit code: 0 when all is as it should be.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = DemoFolder.Take();
        await using var log = new StreamWriter(folder.SiloLog) { AutoFlush = true };
        var siloLog = TextWriter.Synchronized(log);

        display.Say($"starting {Brokers()}, redis-server and {(options.Silos == 1 ? "the silo" : $"{options.Silos} silos")}");
        await using var stage = await EnrolmentStage.StartAsync(StageOptions(folder), cancellationToken);
        for (var number = 0; number < options.Silos; number++)
        {
            await stage.StartSiloAsync(cancellationToken, siloLog.WriteLine, number);
        }

        display.Say($"console: {stage.Silo!.Api.BaseAddress}  log: {folder.SiloLog}");

        var region = new RegionView(() => stage.Silo!.Api);
        if (options.Policy is not null || options.Overlays > 1)
        {
            var policy = options.Policy ?? Path.Combine(RepositoryRoot.Path, "infra/demo/policy.yaml");
            display.Say(await region.ApplyAsync(policy, cancellationToken));
        }

        var simulated = FleetOptions(folder, stage);
        display.Say(simulated.KeyPool == 0 ? "nodes make Ed25519 keys" : $"nodes have {simulated.KeyPool} RSA keys, kept in {folder.Keys}");
        display.Say($"starting {options.Nodes} nodes of protocol {options.Protocol.ToString().ToLowerInvariant()}");
        await using var fleet = await SimulatedFleet.StartAsync(simulated, cancellationToken);
        var view = new ControlPlaneView(stage);
        await FollowAsync(stage, fleet, view, siloLog, cancellationToken);

        var faults = await JudgeAsync(stage, fleet, view, cancellationToken);
        if (options.Overlays > 1 && faults == 0)
        {
            var brokers = stage.Brokers.Overlays.Select((broker, number) => (EnrolmentStage.NameOf(number), broker.Url))
                .ToDictionary(StringComparer.Ordinal);
            var retirement = new RetirementRun(options, display, time, region, brokers);
            faults = await retirement.RunAsync(fleet, view, cancellationToken) + await JudgeAsync(stage, fleet, view, cancellationToken);
        }

        await FleetReport.WriteAsync(fleet.Nodes, folder.Report, cancellationToken);
        if (!options.Exit)
        {
            display.Say("everything keeps running; Ctrl-C ends it");
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return faults == 0 ? 0 : 1;
    }

    private string Brokers() => (options.OnChoriaBrokers, options.Overlays) switch
    {
        (true, 1) => "a broker as strict as Choria's",
        (true, var overlays) => $"{overlays} brokers as strict as Choria's",
        (false, 1) => "nats-server (provisioning, overlay)",
        (false, var overlays) => $"nats-server (provisioning, {overlays} overlays)",
    };

    private async Task FollowAsync(
        EnrolmentStage stage, SimulatedFleet fleet, ControlPlaneView view, TextWriter siloLog, CancellationToken cancellationToken)
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

    private async Task<int> JudgeAsync(
        EnrolmentStage stage, SimulatedFleet fleet, ControlPlaneView view, CancellationToken cancellationToken)
    {
        // What the last ones to arrive held before is revoked in the background.
        var (began, patience) = (time.GetTimestamp(), TimeSpan.FromSeconds(30));
        IReadOnlyList<RosterEntry> listed;
        IReadOnlyList<string> faults;
        do
        {
            listed = await view.ListAsync(cancellationToken);
            var held = await view.HeldByAsync(listed, cancellationToken);
            var orders = await LedgerView.ReadAsync(stage.Redis.ConnectionString, EnrolmentStage.Overlay, cancellationToken);
            faults = Verification.Faults(fleet.Nodes, listed, held, orders);
        }
        while (options.Overlays > 1 && faults.Count > 0 && time.GetElapsedTime(began) < patience);
        display.Finish();
        foreach (var reason in Summary.Reasons(listed))
        {
            display.Say(reason);
        }

        foreach (var fault in Verification.Shortened(faults))
        {
            display.Say($"fault: {fault}");
        }

        display.Say(Summary.Of(fleet.Nodes, listed).ToString());
        return faults.Count;
    }

    private EnrolmentStageOptions StageOptions(DemoFolder folder)
    {
        // Built beside us in the same configuration.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return new EnrolmentStageOptions
        {
            SiloProgram = Path.Combine(RepositoryRoot.Path, "Silo/bin", configuration, "net10.0/controlplane.dll"),
            Folder = folder.Path,
            Silos = options.Silos,
            Overlays = options.Overlays,
            HardLimit = options.Overlays > 1 ? options.HardLimit : null,
            RegistrationInterval = options.RegistrationInterval,
            ApiPort = LoopbackPort.IsFree(options.ApiPort) ? options.ApiPort : null,

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
