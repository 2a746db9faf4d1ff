using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Herd;

/// <summary>An overlay of real processes, and a herd that arrives in it.</summary>
internal sealed class HerdStage : IAsyncDisposable
{
    private const int WarmNodes = 600;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly DirectoryInfo folder;
    private int enrolledBefore;
    private int fleets;

    private HerdStage(DirectoryInfo folder, EnrolmentStage stage)
    {
        this.folder = folder;
        Stage = stage;
    }

    public EnrolmentStage Stage { get; }

    /// <summary>Starts the processes, and warms them with a small herd: code compiled, connections open.</summary>
    public static async Task<HerdStage> StartAsync(int silos, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("controlplane-herd-");
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Path.Combine(AppContext.BaseDirectory, "controlplane.dll"),
            Folder = Path.Combine(folder.FullName, "stage"),
            Silos = silos,

            // The herds of all rounds stay: the overlay is to refuse none of them.
            HardLimit = (HerdFleet.Nodes + WarmNodes) * 4,
        };
        var herd = new HerdStage(folder, await EnrolmentStage.StartAsync(options, cancellationToken));
        await herd.Stage.StartSilosAsync(cancellationToken);
        await herd.ArriveAsync(WarmNodes, dead: default, atThirtyPercent: null, cancellationToken);
        return herd;
    }

    /// <summary>Lets a herd arrive and follows it until every node that lives is enrolled.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="dead">How many announce themselves and never answer.</param>
    /// <param name="atThirtyPercent">What happens when three in ten are enrolled.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<HerdTimes> ArriveAsync(
        int nodes, FaultShare dead, Func<CancellationToken, Task>? atThirtyPercent, CancellationToken cancellationToken)
    {
        var options = HerdFleet.Options(Stage.Brokers, Stage.Secrets, nodes, $"herd{fleets++}", dead);
        await using var fleet = await SimulatedFleet.StartAsync(options, cancellationToken);
        var begun = TimeProvider.System.GetTimestamp();
        var times = new HerdTimes(fleet.ExpectedArrivals);
        while (!times.IsDone)
        {
            var elapsed = TimeProvider.System.GetElapsedTime(begun);
            if (elapsed > Deadline)
            {
                throw new TimeoutException($"{times.Enrolled} of {fleet.ExpectedArrivals} enrolled after {elapsed}; {fleet.Progress()}");
            }

            times.Record(await EnrolledAsync(cancellationToken) - enrolledBefore, fleet.Progress().Announced, elapsed);
            if (atThirtyPercent is { } happens && times.Enrolled * 10 >= fleet.ExpectedArrivals * 3)
            {
                atThirtyPercent = null;
                await happens(cancellationToken);
            }

            await Task.Delay(LookInterval, cancellationToken);
        }

        enrolledBefore += fleet.ExpectedArrivals;
        return times;
    }

    public async ValueTask DisposeAsync()
    {
        await Stage.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private async Task<int> EnrolledAsync(CancellationToken cancellationToken)
    {
        try
        {
            var summary = await Stage.Silo!.Api.GetFromJsonAsync<JsonElement>("/v1/summary", cancellationToken);
            return summary.GetProperty("stages").TryGetProperty("enrolled", out var enrolled) ? enrolled.GetInt32() : 0;
        }
        catch (HttpRequestException)
        {
            // A silo that was just killed; the next look asks another.
            return enrolledBefore;
        }
    }
}
