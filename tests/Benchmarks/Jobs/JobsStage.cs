using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Benchmarks.Rpc;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Jobs;

/// <summary>A broker, Redis and a silo as processes, an enrolled fleet, and our RPC to it from this process.</summary>
internal sealed class JobsStage : IAsyncDisposable
{
    // Their keys cost the stage minutes, and jobs nothing.
    private const int KeyPool = 64;

    private readonly DirectoryInfo folder;
    private readonly EnrolmentStage stage;
    private readonly SimulatedFleet fleet;

    private JobsStage(DirectoryInfo folder, EnrolmentStage stage, SimulatedFleet fleet)
    {
        (this.folder, this.stage, this.fleet) = (folder, stage, fleet);
        using var issuer = Ed25519Key.FromSeedHex(File.ReadAllText(stage.Secrets.IssuerSeedFile));
        Rpc = new OurRpc(
            new FleetOptions
            {
                Caller = EnrolmentStage.CallerId,
                CallerProof = new CallerProofOptions
                {
                    TokenFile = stage.Secrets.CallerTokenFile, SeedFile = stage.Secrets.CallerSeedFile,
                },
                Overlays =
                {
                    [EnrolmentStage.Overlay] = new NetworkOptions
                    {
                        Urls = [stage.Brokers.Overlay.Url],
                        CaFile = stage.AuthorityPath,
                        TokenFile = stage.Secrets.CallerTokenFile,
                        SeedFile = stage.Secrets.CallerSeedFile,
                    },
                },
            },
            new OverlaysOptions { Region = EnrolmentStage.Region, Local = EnrolmentStage.Overlay },
            issuer.PublicKeyHex);
        Targets = [.. Enumerable.Range(0, fleet.Nodes.Count).Select(number => new RpcTarget(IdentityOf(number), NodeProtocol.V2))];
    }

    public OurRpc Rpc { get; }

    public IReadOnlyList<RpcTarget> Targets { get; }

    public HttpClient Api => stage.Silo!.Api;

    public static string IdentityOf(int number) => string.Create(CultureInfo.InvariantCulture, $"bench-{number:00000}.sim.example.net");

    public static async Task<JobsStage> StartAsync(int nodes, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("controlplane-jobs-");
        var stage = await EnrolmentStage.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Path.Combine(AppContext.BaseDirectory, "controlplane.dll"),
                Folder = Path.Combine(folder.FullName, "stage"),
                MutualTls = false,
                ChoriaBrokers = true,
                HardLimit = nodes * 2,
            },
            cancellationToken);
        await stage.StartSiloAsync(cancellationToken);
        var fleet = await SimulatedFleet.StartAsync(
            Stages.FleetOn(stage.Brokers, stage.Secrets) with
            {
                Nodes = nodes,
                IdentityPattern = "bench-{n:00000}.sim.example.net",
                Protocol = FleetProtocol.V2,
                KeyPool = KeyPool,
                KeyFolder = Path.Combine(RepositoryRoot.Path, ".data", "keys"),
            },
            cancellationToken);
        var started = new JobsStage(folder, stage, fleet);
        await Readiness.UntilAsync(
            async token => (await started.Api.GetFromJsonAsync<JsonElement>("/v1/summary", token)).GetProperty("stages")
                .TryGetProperty("enrolled", out var enrolled) && enrolled.GetInt32() == nodes,
            "an enrolled fleet",
            cancellationToken,
            () => stage.SiloOutput);
        return started;
    }

    /// <summary>Submits a job and follows it to its end.</summary>
    /// <returns>How many targets succeeded.</returns>
    public async Task<int> RunAsync(object job, CancellationToken cancellationToken)
    {
        using var submitted = await Api.PostAsJsonAsync("/v1/jobs", job, cancellationToken);
        var snapshot = await submitted.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        if (!submitted.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"the job was refused: {snapshot}");
        }

        var id = snapshot.GetProperty("id").GetString();
        while (snapshot.GetProperty("state").GetString() is not ("completed" or "aborted" or "failed" or "paused"))
        {
            var version = snapshot.GetProperty("version").GetInt32();
            snapshot = await Api.GetFromJsonAsync<JsonElement>(
                string.Create(CultureInfo.InvariantCulture, $"/v1/jobs/{id}?wait=5s&after={version}"), cancellationToken);
        }

        return snapshot.GetProperty("counts").GetProperty("succeeded").GetInt32();
    }

    public async ValueTask DisposeAsync()
    {
        await Rpc.DisposeAsync();
        await fleet.DisposeAsync();
        await stage.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
