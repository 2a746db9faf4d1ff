using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Enrol;

/// <summary>
/// Nodes a minute from the start of a herd to the last arrival: brokers, Redis, CA, silo and the fleet itself on one machine.
/// </summary>
/// <remarks>Both sides have brokers of their own, so that neither enrols the other's nodes; the fleet costs both the same.</remarks>
public sealed class EnrolBenchmark : IBenchmark, IAsyncDisposable
{
    private const int NodesPerRound = 600;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private EnrolmentStage? stage;
    private TestPki? rawPki;
    private StageBrokers? rawBrokers;
    private RawEnrolment? raw;
    private string folder = "";
    private int round;

    public string Name => "enrol-v1";

    public string Unit => "nodes/min";

    public int Rounds => 5;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        folder = Directory.CreateTempSubdirectory("controlplane-enrol-").FullName;
        stage = await EnrolmentStage.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Path.Combine(AppContext.BaseDirectory, "controlplane.dll"),
                Folder = Path.Combine(folder, "ours"),
            },
            cancellationToken);
        await stage.StartSiloAsync(cancellationToken);

        var rawFolder = Path.Combine(folder, "raw");
        rawPki = TestPki.Create(Path.Combine(rawFolder, "pki"));
        rawBrokers = await StageBrokers.StartAsync(
            rawFolder, rawPki, stage.Secrets, overlays: 1, mutualTls: true, cancellationToken: cancellationToken);
        raw = new RawEnrolment(rawBrokers, stage.Secrets, rawPki.AuthorityPath, rawFolder);

        // Both are warm before the first round: code compiled, keys made.
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) =>
        EnrolAsync(stage!.Brokers, "ours", cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        EnrolAsync(rawBrokers!, "raw", cancellationToken);

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

        if (stage is not null)
        {
            await stage.DisposeAsync();
        }

        rawPki?.Dispose();
        if (folder.Length > 0)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<double> EnrolAsync(StageBrokers brokers, string who, CancellationToken cancellationToken)
    {
        var options = Stages.FleetOn(brokers, stage!.Secrets) with
        {
            Nodes = NodesPerRound,
            IdentityPattern = $"{who}{++round}-{{n:00000}}.sim.example.net",
            Protocol = FleetProtocol.V1,
            KeyPool = NodesPerRound,
            KeyFolder = Path.Combine(RepositoryRoot.Path, ".data", "keys"),
        };
        var begun = TimeProvider.System.GetTimestamp();
        await using var fleet = await SimulatedFleet.StartAsync(options, cancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        if (!await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: cancellationToken))
        {
            throw new TimeoutException($"{fleet.Progress()} after {TimeProvider.System.GetElapsedTime(begun)}");
        }

        return NodesPerRound / TimeProvider.System.GetElapsedTime(started).TotalMinutes;
    }
}
