using System.Text;
using ControlPlane.Certificates;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Chaos;

/// <summary>Runs faults over an overlay in which nodes arrive, lets it heal, and has the checker judge what is left.</summary>
internal sealed class SoakRun(SoakOptions options, Action<string> say, TimeProvider time)
{
    /// <summary>How long nothing may get nearer to rest: a busy machine is slow, and never this slow.</summary>
    private static readonly TimeSpan StandstillMax = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly StringBuilder log = new();
    private readonly List<OperatorCall> answered = [];

    /// <returns>The checker's judgement of the fleet at rest.</returns>
    public async Task<IReadOnlyList<CheckedInvariant>> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("controlplane-soak-");
        var clean = false;
        try
        {
            await using var stage = await EnrolmentStage.StartAsync(StageOptions(folder.FullName), cancellationToken);
            for (var number = 0; number < options.Silos; number++)
            {
                await stage.StartSiloAsync(cancellationToken, Keep, number);
            }

            say($"{options.Silos} silos, {options.Nodes} nodes, {options.Duration.TotalMinutes:0.#} minutes of faults, seed {options.Seed}");
            await using var fleet = await SimulatedFleet.StartAsync(FleetOptions(stage, folder.FullName), cancellationToken);
            await DisturbAsync(stage, fleet, cancellationToken);
            await HealAsync(stage, fleet, cancellationToken);

            var facts = await new FactsCollector(stage, StageFolder(folder.FullName), time)
                .CollectAsync(fleet, LogText(), answered, cancellationToken);
            var checks = HistoryChecker.Check(facts);
            clean = checks.All(check => check.Violations.Count == 0);
            return checks;
        }
        finally
        {
            if (clean)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                await File.WriteAllTextAsync(Path.Combine(folder.FullName, "silos.log"), LogText(), CancellationToken.None);
                say($"kept for a look: {folder.FullName} (silos.log, histories, keys)");
            }
        }
    }

    private async Task DisturbAsync(EnrolmentStage stage, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var injector = new FaultInjector(stage, fleet, answered, Keep, time);
        var began = time.GetTimestamp();
        foreach (var fault in FaultSchedule.Of(options.Seed, options.Duration, options.FaultInterval))
        {
            var wait = fault.At - time.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, cancellationToken);
            }

            say($"{time.GetElapsedTime(began).TotalSeconds,5:0} s  {fault.Fault,-22} {Standing(fleet)}  {Memory(stage)}");
            await injector.InjectAsync(fault, cancellationToken);
            await injector.HealAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Waits until every node that lives is enrolled and nothing is left to be revoked, for as long as less and less is left: the checker
    /// says what is wrong then.
    /// </summary>
    private async Task HealAsync(EnrolmentStage stage, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var injector = new FaultInjector(stage, fleet, answered, Keep, time);
        var view = new ControlPlaneView(stage);
        var began = time.GetTimestamp();
        var (least, lessAt) = (int.MaxValue, began);
        while (true)
        {
            // Each time, since a silo that hung as the last fault ends itself only when it has read that it was voted dead.
            await injector.HealAsync(cancellationToken);
            var (left, unrest) = await UnrestAsync(stage, fleet, view, cancellationToken);
            if (unrest.Count == 0)
            {
                say($"at rest {time.GetElapsedTime(began).TotalSeconds:0} s after the last fault");
                return;
            }

            if (left < least)
            {
                (least, lessAt) = (left, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(lessAt) >= StandstillMax)
            {
                say($"no nearer to rest for {StandstillMax.TotalMinutes:0} minutes: {string.Join(", ", unrest)}");
                return;
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    /// <returns>What keeps the fleet from rest, a sentence each, and how much that is; nothing at rest.</returns>
    private static async Task<(int Left, IReadOnlyList<string> Unrest)> UnrestAsync(
        EnrolmentStage stage, SimulatedFleet fleet, ControlPlaneView view, CancellationToken cancellationToken)
    {
        var unrest = new List<string>();
        var travelling = Math.Max(0, fleet.ExpectedArrivals - fleet.Progress().Arrived);
        if (travelling > 0)
        {
            unrest.Add(Standing(fleet));
        }

        var counts = await view.CountAsync(cancellationToken);
        var enrolling = Math.Max(0, fleet.ExpectedArrivals - (counts?.GetValueOrDefault(NodeStage.Enrolled) ?? 0));
        if (enrolling > 0)
        {
            unrest.Add(counts is null
                ? "the API does not answer"
                : "the control plane counts " + string.Join(' ', counts.Select(count => $"{count.Key} {count.Value}")));
        }

        var ledger = await LedgerView.ReadAsync(stage.Redis.ConnectionString, EnrolmentStage.Overlay, cancellationToken);
        var open = ledger.Where(order =>
            order.State is LedgerState.RevocationDue or LedgerState.Intended or LedgerState.OutcomeUnknown).ToList();
        unrest.AddRange(open.CountBy(order => order.State).Select(count => $"{count.Value} orders {count.Key}"));
        return (travelling + enrolling + open.Count, unrest);
    }

    private static string Standing(SimulatedFleet fleet)
    {
        var progress = fleet.Progress();
        return $"announced {progress.Announced} arrived {progress.Arrived} of {progress.Nodes}";
    }

    private static string Memory(EnrolmentStage stage) => "silos " + string.Join(
        '/',
        stage.Silos.Select(silo => silo is { IsRunning: true } ? $"{ProcessMemory.MegabytesOf(silo.ProcessId):0}" : "-")) + " MB";

    private static string StageFolder(string folder) => Path.Combine(folder, "stage");

    private EnrolmentStageOptions StageOptions(string folder) => new()
    {
        SiloProgram = options.SiloProgram,
        Folder = StageFolder(folder),
        Silos = options.Silos,
        MutualTls = options.Protocol == FleetProtocol.V1,

        // Faults come closer together than in life: what is lost is looked for sooner, and no node is given up for failing often.
        MoreProvisioning = """
              SweepInterval: 00:00:10
              ArrivalDeadline: 00:00:30
              EnrolmentsPerHourMax: 100
              FailuresMax: 100
              NewcomersMax: 64
            """,
    };

    private SimulatedFleetOptions FleetOptions(EnrolmentStage stage, string folder) => Stages.FleetOn(stage.Brokers, stage.Secrets) with
    {
        Nodes = options.Nodes,
        Protocol = options.Protocol,
        Seed = options.Seed,
        ArriveWithin = options.Duration * 0.8,
        KeyPool = options.Nodes * 4,
        PairKeys = true,
        KeyFolder = Path.Combine(folder, "keys"),
    };

    private void Keep(string line)
    {
        lock (log)
        {
            log.AppendLine(line);
        }
    }

    private string LogText()
    {
        lock (log)
        {
            return log.ToString();
        }
    }
}
