using ControlPlane.Benchmarks.Enrol;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Herd;

/// <summary>
/// An overlay of 20,000 nodes that all announce themselves at once, as after an outage of its brokers; everything on one machine. The
/// reference makes the same exchanges with the same crypto and keeps nothing.
/// </summary>
public sealed class HerdBenchmark : IBenchmark, IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(15);

    private readonly Dictionary<string, double> details = [];
    private HerdStage? herd;
    private TestPki? rawPki;
    private StageBrokers? rawBrokers;
    private RawEnrolment? raw;
    private string folder = "";
    private int round;

    public string Name => "herd";

    public string Unit => "nodes/min";

    public int Rounds => 1;

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        herd = await HerdStage.StartAsync(silos: 1, cancellationToken);
        folder = Directory.CreateTempSubdirectory("controlplane-herd-raw-").FullName;
        rawPki = TestPki.Create(Path.Combine(folder, "pki"));
        rawBrokers = await StageBrokers.StartAsync(folder, rawPki, herd.Stage.Secrets, overlays: 1, mutualTls: true, cancellationToken);
        raw = new RawEnrolment(rawBrokers, herd.Stage.Secrets, rawPki.AuthorityPath, folder);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var usage = new HerdUsage(herd!.Stage);
        await usage.BeginAsync();
        var times = await herd.ArriveAsync(HerdFleet.Nodes, dead: default, atThirtyPercent: null, cancellationToken);
        details.Clear();
        foreach (var (name, value) in times.Details.Concat(await usage.EndAsync(HerdFleet.Nodes, cancellationToken)))
        {
            details[name] = value;
        }

        return times.NodesPerMinute;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var options = HerdFleet.Options(rawBrokers!, herd!.Stage.Secrets, HerdFleet.Nodes, $"raw{round++}", dead: default);
        await using var fleet = await SimulatedFleet.StartAsync(options, cancellationToken);
        var begun = TimeProvider.System.GetTimestamp();
        if (!await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: cancellationToken))
        {
            throw new TimeoutException($"the raw loop did not enrol the herd: {fleet.Progress()}");
        }

        return HerdFleet.Nodes / TimeProvider.System.GetElapsedTime(begun).TotalMinutes;
    }

    public async ValueTask DisposeAsync()
    {
        if (raw is not null)
        {
            await raw.DisposeAsync();
        }

        if (rawBrokers is not null)
        {
            await rawBrokers.DisposeAsync();
        }

        rawPki?.Dispose();
        if (herd is not null)
        {
            await herd.DisposeAsync();
        }

        if (folder.Length > 0)
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>
/// Living nodes a minute with one node in ten dead, beside the same herd without dead ones: they are to cost no throughput.
/// </summary>
public sealed class HerdDeadBenchmark : IBenchmark, IAsyncDisposable
{
    private HerdStage? herd;

    public string Name => "herd-dead";

    public string Unit => "nodes/min";

    public int Rounds => 1;

    public async Task PrepareAsync(CancellationToken cancellationToken) => herd = await HerdStage.StartAsync(silos: 1, cancellationToken);

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => ArriveAsync(FaultShare.Percent(10), cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => ArriveAsync(dead: default, cancellationToken);

    public ValueTask DisposeAsync() => herd?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task<double> ArriveAsync(FaultShare dead, CancellationToken cancellationToken) =>
        (await herd!.ArriveAsync(HerdFleet.Nodes, dead, atThirtyPercent: null, cancellationToken)).NodesPerMinute;
}

/// <summary>A herd with three silos, of which one is killed when three in ten are enrolled, beside the same herd undisturbed.</summary>
public sealed class HerdKillBenchmark : IBenchmark, IAsyncDisposable
{
    private HerdStage? herd;

    public string Name => "herd-kill";

    public string Unit => "nodes/min";

    public int Rounds => 1;

    public IReadOnlyDictionary<string, double> Details { get; private set; } = new Dictionary<string, double>();

    public async Task PrepareAsync(CancellationToken cancellationToken) => herd = await HerdStage.StartAsync(silos: 3, cancellationToken);

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var victim = herd!.Stage.Silos[2]!;
        var times = await herd.ArriveAsync(HerdFleet.Nodes, dead: default, _ => victim.KillAsync(), cancellationToken);

        Details = times.Details;

        // The reference is to have three silos again.
        await herd.Stage.StartSiloAsync(cancellationToken, number: 2);
        return times.NodesPerMinute;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        (await herd!.ArriveAsync(HerdFleet.Nodes, dead: default, atThirtyPercent: null, cancellationToken)).NodesPerMinute;

    public ValueTask DisposeAsync() => herd?.DisposeAsync() ?? ValueTask.CompletedTask;
}
