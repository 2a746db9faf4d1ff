using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;
using StackExchange.Redis;

namespace ControlPlane.Benchmarks.Enrol;

/// <summary>What Redis is sent for one enrolment, in kilobytes; the commands stand in the details, each by its name.</summary>
/// <remarks>
/// The reference writes what must survive a crash and nothing else: the order with its request before a CA is asked, its certificate after,
/// and which order the node holds.
/// </remarks>
public sealed class EnrolCostBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Nodes = 300;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private readonly Dictionary<string, double> details = [];
    private EnrolmentStage? stage;
    private int round;

    public string Name => "enrol-cost";

    public string Unit => "kB";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        stage = await EnrolmentStage.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Path.Combine(AppContext.BaseDirectory, "controlplane.dll") }, cancellationToken);
        await stage.StartSiloAsync(cancellationToken);

        // Chains, scripts and connections are there before the first round.
        await EnrolAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var work = await WorkOfAsync(() => EnrolAsync(cancellationToken));
        details["commands-per-node"] = (double)work.Commands / Nodes;
        foreach (var (command, calls) in work.Calls.Where(pair => pair.Value * 10 >= Nodes))
        {
            details[$"commands-per-node-{command}"] = (double)calls / Nodes;
        }

        return work.Bytes / 1000.0 / Nodes;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        using var pki = TestPki.Create(Directory.CreateTempSubdirectory("controlplane-cost-").FullName);
        var certificate = await File.ReadAllBytesAsync(pki.ClientCertificate("reference").CertificatePath, cancellationToken);
        var request = SigningRequests.Choria("reference.sim.example.net");
        await using var redis = await ConnectionMultiplexer.ConnectAsync(stage!.Redis.ConnectionString);
        var work = await WorkOfAsync(async () =>
        {
            for (var node = 0; node < Nodes; node++)
            {
                var database = redis.GetDatabase();
                await database.StringSetAsync($"reference:{round}:order:{node}", request);
                await database.StringSetAsync($"reference:{round}:order:{node}", certificate);
                await database.StringSetAsync($"reference:{round}:node:{node}", $"reference:{round}:order:{node}");
            }
        });
        details["reference-commands-per-node"] = (double)work.Commands / Nodes;
        return work.Bytes / 1000.0 / Nodes;
    }

    public async ValueTask DisposeAsync()
    {
        if (stage is not null)
        {
            await stage.DisposeAsync();
        }
    }

    private async Task<RedisWork> WorkOfAsync(Func<Task> work)
    {
        var before = await RedisWork.ReadAsync(stage!.Redis.ConnectionString);
        await work();
        var after = await RedisWork.ReadAsync(stage.Redis.ConnectionString);
        return new RedisWork(
            after.Commands - before.Commands,
            after.Bytes - before.Bytes,
            after.Calls.ToDictionary(pair => pair.Key, pair => pair.Value - before.Calls.GetValueOrDefault(pair.Key)));
    }

    private async Task EnrolAsync(CancellationToken cancellationToken)
    {
        var options = Stages.FleetOn(stage!.Brokers, stage.Secrets) with
        {
            Nodes = Nodes,
            IdentityPattern = $"cost{++round}-{{n:00000}}.sim.example.net",
            Protocol = FleetProtocol.V1,
            KeyPool = Nodes,
            KeyFolder = Path.Combine(RepositoryRoot.Path, ".data", "keys"),
        };
        await using var fleet = await SimulatedFleet.StartAsync(options, cancellationToken);
        if (!await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: cancellationToken))
        {
            throw new TimeoutException($"{fleet.Progress()}");
        }
    }
}
