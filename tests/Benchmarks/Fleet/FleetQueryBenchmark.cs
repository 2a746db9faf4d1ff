using System.Diagnostics;
using System.Text;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Provisioning;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace ControlPlane.Benchmarks.Fleet;

/// <summary>
/// Queries over 20,000 nodes with 10 KB of facts each, in a silo's 64 slices, beside LINQ over dictionaries: the 99th percentile.
/// </summary>
public sealed class FleetQueryBenchmark : IBenchmark, IAsyncDisposable
{
    public const int PageNodes = 100;

    private const int TurnsOfAll = 25;
    private const int LoadedAtOnce = 500;

    private static readonly NodeQuery[] Queries =
    [
        NodeQuery.All with { Filter = "country=uk and os.family=Debian" },
        NodeQuery.All with { Facts = ["os.release.major>=12", "memory_mb>262144"] },
        NodeQuery.All with { Filter = "role::db and not country=us" },
        NodeQuery.All with { Filter = "fqdn=~/^node0[0-4].*7\\./" },
        NodeQuery.All with { Identities = ["/^node1999/"] },
        NodeQuery.All with { Filter = "(shared_fact_042='a value that many nodes have 7' or shared_fact_117='a value that many nodes have 3')" },
        NodeQuery.All with { Facts = ["machine_id=none has it"] },
    ];

    private readonly Dictionary<string, double> details = [];
    private readonly DirectoryInfo authority = Directory.CreateTempSubdirectory("controlplane-bench-query-");
    private IHost? host;
    private ScannedFleet? scanned;

    public string Name => "fleet-query";

    public string Unit => "ms";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    private IGrainFactory Grains => host!.Services.GetRequiredService<IGrainFactory>();

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        host = BuildHost();
        await host.StartAsync(cancellationToken);
        foreach (var slice in Slices())
        {
            // What a silo without nodes takes is not the nodes'.
            await slice.Select(NodeQuery.All, null, 1);
        }

        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var first = 0; first < FactsSource.Nodes; first += LoadedAtOnce)
        {
            await LoadAsync(first);
        }

        details["bytes_per_node"] = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)FactsSource.Nodes;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        details["rss_mb"] = Environment.WorkingSet / (double)(1 << 20);
        details["facts_bytes_per_node"] = Enumerable.Range(0, LoadedAtOnce).Average(node => FactsSource.Make(node).Length);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var turn = 0; turn < TurnsOfAll; turn++)
        {
            foreach (var query in Queries)
            {
                times.Add(await TimeAsync(() => SelectAsync(query)));
            }

            times.Add(await TimeAsync(() => Task.WhenAll(Slices().Select(slice => slice.CountFact(NodeQuery.All, "country")))));
        }

        details["p50_ms"] = At(times, 50);
        return At(times, 99);
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        if (scanned is null)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            scanned = new ScannedFleet();
            details["reference_bytes_per_node"] = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)FactsSource.Nodes;
        }

        var times = new List<double>();
        for (var turn = 0; turn < TurnsOfAll; turn++)
        {
            foreach (var query in scanned.Queries)
            {
                times.Add(await TimeAsync(() => Task.FromResult(query())));
            }
        }

        details["reference_p50_ms"] = At(times, 50);
        return At(times, 99);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.StopAsync();
            host.Dispose();
        }

        authority.Delete(recursive: true);
    }

    private async Task LoadAsync(int first)
    {
        var now = TimeProvider.System.GetUtcNow();
        await Task.WhenAll(Enumerable.Range(first, LoadedAtOnce).Select(FactsSource.IdentityOf).Select(identity =>
            Grains.SliceOf(identity).Record(
                new RosterEntry(identity, NodeStage.Enrolled, "overlay-1", null, now, null, NodeLiveness.Alive, "0.30.2"))));
        await Task.WhenAll(Enumerable.Range(first, LoadedAtOnce).Select(node =>
            Grains.SliceOf(FactsSource.IdentityOf(node)).RecordProvisioningInventory(
                FactsSource.IdentityOf(node), Encoding.UTF8.GetString(FactsSource.Registration(node)))));
        while (await CountSilentAsync() > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    // Inventories go one way, and are there when they are there.
    private async Task<int> CountSilentAsync() =>
        (await Task.WhenAll(Slices().Select(slice => slice.CountFact(NodeQuery.All, "country"))))
            .Cast<CountOutcome.Counted>().Sum(counted => counted.Missing);

    private async Task SelectAsync(NodeQuery query)
    {
        var outcomes = await Task.WhenAll(Slices().Select(slice => slice.Select(query, null, PageNodes)));
        var page = outcomes.Cast<SelectOutcome.Selected>().SelectMany(selected => selected.Nodes)
            .OrderBy(node => node.Identity, StringComparer.Ordinal).Take(PageNodes).ToList();
        GC.KeepAlive(page);
    }

    private IEnumerable<IFleetSliceGrain> Slices() => Enumerable.Range(0, FleetSlices.Count).Select(Grains.GetSlice);

    private static async Task<double> TimeAsync(Func<Task> ask)
    {
        var began = Stopwatch.GetTimestamp();
        await ask();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static double At(List<double> times, int percent) =>
        times.Order().ElementAt(Math.Min(times.Count - 1, times.Count * percent / 100));

    private IHost BuildHost()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.Configuration["LocalCa:local:DataFolder"] = authority.FullName;
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(LoopbackPort.Free(), LoopbackPort.Free());
            silo.AddMemoryGrainStorage(Stores.Fleet);
            silo.AddOverlayPlacement().AddLocalCa().AddCertificates().AddProvisioning().AddFleetState();
            new ForgetfulBrokers().AddTo(silo.Services);
            AddIdleEnrolment(silo.Services);
        });
        return builder.Build();
    }

    // Nobody enrols here; but a slice is made of all that it does.
    private static void AddIdleEnrolment(IServiceCollection services)
    {
        services.AddSingleton<INodeAgent>(new FakeNodes());
        services.AddSingleton<IFleetDiscovery, FakeDiscovery>();
        services.AddSingleton<ILayerFiles, FakeLayerFiles>();
        services.AddSingleton<INodeAttestor, FakeAttestor>();
        services.AddSingleton<IExpectedNodes, FakeExpectedNodes>();
        services.AddSingleton<INodeLoginCheck>(new FakeNodeLoginCheck());
        services.AddSingleton<IServerTokenIssuer>(new FakeServerTokenIssuer());
        services.AddSingleton<ICertificateLedger>(new InMemoryCertificateLedger());
        services.AddSingleton<IKeyRegister>(new InMemoryKeyRegister());
        services.AddKeyedSingleton<ILog>(Logs.Certificates, new MemoryLog());
        services.Configure<CertificatesOptions>(options => options.Profiles["node"] = new CertificateProfile { Issuers = ["local"] });
        services.Configure<ProvisioningOptions>(options => options.Issuers["choria"] = new string('a', 64));
        services.Configure<OverlaysOptions>(options =>
        {
            (options.Region, options.Local) = ("bench", "overlay-1");
            options.Members["overlay-1"] = new OverlayOptions { Brokers = ["nats://127.0.0.1:4222"] };
        });
    }
}

/// <summary>Brokers in another process, whose memory is not ours: what is kept there is not counted here.</summary>
internal sealed class ForgetfulBrokers : IRegister, ILog, ISignsOfLife, ILivenessAdvisories, IFleetConnectivity
{
    public bool IsHearing => true;

    public Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken) =>
        Task.FromResult(1ul);

    public IAsyncEnumerable<RegisterEntry> ListAsync(string area, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<RegisterEntry>();

    public Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken) =>
        Task.FromResult<RegisterEntry?>(null);

    public Task RemoveAsync(string area, string key, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<ulong> AppendAsync(LogRecord record, ulong? expected, CancellationToken cancellationToken) => Task.FromResult(1ul);

    public Task<LogItem.Entry?> FindLastAsync(string topic, CancellationToken cancellationToken) => Task.FromResult<LogItem.Entry?>(null);

    public IAsyncEnumerable<LogItem> ReadAsync(string topic, ulong after, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<LogItem>();

    public async IAsyncEnumerable<LogItem> FollowAsync(
        ulong after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        yield break;
    }

    public Task<LogPositions> GetPositionsAsync(CancellationToken cancellationToken) => Task.FromResult(new LogPositions(1, 0));

    public Task<IReadOnlyList<FleetEvent>?> SinceAsync(string partition, DateTimeOffset since, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<FleetEvent>?>([]);

    public Task PublishAsync(LivenessAdvisory advisory, CancellationToken cancellationToken) => Task.CompletedTask;

    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton<IRegister>(this);
        services.AddSingleton<ISignsOfLife>(this);
        services.AddKeyedSingleton<ILog>(Logs.Changes, this);
        services.AddSingleton<ILivenessAdvisories>(this);
        services.AddSingleton<IFleetConnectivity>(this);
    }
}
