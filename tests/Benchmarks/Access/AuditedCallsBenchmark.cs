using System.Diagnostics;
using System.Net.Http.Json;
using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Api;
using ControlPlane.Placement;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Benchmarks.Access;

/// <summary>
/// Calls over HTTP that change a grain's state in Redis, recorded on a broker and on a synced file before they are made and with their
/// outcome, beside the same calls unrecorded. Over HTTP, and through the guard of all routes, since that is where calls are recorded.
/// </summary>
public sealed class AuditedCallsBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Calls = 20_000;
    private const int CallersAtOnce = 256;
    private const int Grains = 512;

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-bench-audit-").FullName;
    private readonly Dictionary<string, double> details = [];
    private RedisServer? redis;
    private NatsServer? broker;
    private FleetConnections? connections;
    private RegionCaller? caller;
    private FileAuditJournal? journal;
    private AuditSilo? audit;
    private OverlayLog? log;
    private WebApplication? host;
    private HttpClient? client;

    public string Name => "access-audited-calls";

    public string Unit => "calls/s";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        redis = await RedisServer.StartAsync(cancellationToken);
        broker = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
        host = BuildHost(redis.ConnectionString);
        await host.StartAsync(cancellationToken);
        client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = CallersAtOnce })
        {
            BaseAddress = new Uri(host.Urls.Single()),
        };
        log = OpenLog(broker.Url);
        journal = new FileAuditJournal(
            Options.Create(new AuditOptions { Folder = folder }), TimeProvider.System, NullLogger<FileAuditJournal>.Instance);
        audit = new AuditSilo(log, journal: journal);
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var before = await log!.GetPositionsAsync(cancellationToken);
        var rate = await RunAsync(audit!.Trail, "ours", cancellationToken);
        await audit.SettleAsync();
        var written = (await log.GetPositionsAsync(cancellationToken)).Last - before.Last;
        details["records_per_write"] = 2.0 * Calls / written;
        return rate;
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        RunAsync(new NoAuditTrail(), "reference", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        client?.Dispose();
        if (host is not null)
        {
            await host.StopAsync();
            await host.DisposeAsync();
        }

        audit?.Dispose();
        journal?.Dispose();
        caller?.Dispose();
        foreach (var server in new IAsyncDisposable?[] { connections, broker, redis }.OfType<IAsyncDisposable>())
        {
            await server.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    private async Task<double> RunAsync(IAuditTrail trail, string who, CancellationToken cancellationToken)
    {
        host!.Services.GetRequiredService<TrailOfRound>().Trail = trail;
        var latencies = new double[Calls];
        var next = -1;
        using var process = Process.GetCurrentProcess();
        var (computed, allocated) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes());
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, CallersAtOnce).Select(async _ =>
        {
            for (var i = Interlocked.Increment(ref next); i < Calls; i = Interlocked.Increment(ref next))
            {
                var asked = Stopwatch.GetTimestamp();
                using var answer = await client!.PostAsJsonAsync(
                    $"/nodes/web{i % Grains}.example.net:set", new ReasonBody("new disk"), cancellationToken);
                answer.EnsureSuccessStatusCode();
                latencies[i] = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            }
        }));
        var elapsed = Stopwatch.GetElapsedTime(began);
        Array.Sort(latencies);
        details[$"{who}_p50_ms"] = latencies[Calls / 2];
        details[$"{who}_p99_ms"] = latencies[Calls * 99 / 100];
        process.Refresh();
        details[$"{who}_cpu_us"] = (process.TotalProcessorTime - computed).TotalMicroseconds / Calls;
        details[$"{who}_allocated_kb"] = (GC.GetTotalAllocatedBytes() - allocated) / 1e3 / Calls;
        return Calls / elapsed.TotalSeconds;
    }

    private OverlayLog OpenLog(string url)
    {
        var fleet = new FleetOptions();
        fleet.Overlays["bench"] = new NetworkOptions { Urls = [url], Tls = false };
        var overlays = Options.Create(new OverlaysOptions { Region = "bench", Local = "bench" });
        caller = new RegionCaller(Options.Create(fleet), overlays);
        connections = new FleetConnections(Options.Create(fleet), overlays, caller, TimeProvider.System, NullLoggerFactory.Instance);
        return new OverlayLog(new OverlayStreams(connections, overlays, Options.Create(fleet)), Logs.Audit);
    }

    private static WebApplication BuildHost(string redisAddress)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{LoopbackPort.Free()}");
        builder.Services.AddSingleton<TrailOfRound>();
        builder.Services.AddSingleton(services => new AccessGuard(new AllAllowed(), services.GetRequiredService<TrailOfRound>()));
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(LoopbackPort.Free(), LoopbackPort.Free());
            silo.AddRedisGrainStorage(Stores.Fleet, storage => storage.Configure<IServiceProvider>((options, services) =>
            {
                options.ConfigurationOptions = StackExchange.Redis.ConfigurationOptions.Parse(redisAddress);
                options.GrainStorageSerializer = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
            }));
        });
        var app = builder.Build();
        app.Use((context, next) =>
        {
            context.User = AccessClaims.Principal(CallerMethod.Oidc, "alice@example.net");
            return next(context);
        });
        app.MapGuarded().MapPost("/nodes/{identity}:set", SetAsync)
            .WithName("ReprovisionNode").Requires(Permissions.NodesReprovision, AccessTarget.Node);
        return app;
    }

    private static async Task<Accepted> SetAsync(IGrainFactory grains, string identity, [FromBody] ReasonBody body)
    {
        await grains.GetGrain<IAuditedGrain>(identity).Set(body.Reason);
        return TypedResults.Accepted("");
    }

    private sealed class AllAllowed : IAccessPolicy
    {
        public ValueTask<AccessDecision> JudgeAsync(
            ControlPlane.Access.Caller caller, AccessRequest request, CancellationToken cancellationToken) => new(AuditSilo.Allowed);
    }

    /// <summary>What records the calls of the round that is measured.</summary>
    private sealed class TrailOfRound : IAuditTrail
    {
        public IAuditTrail Trail { get; set; } = new NoAuditTrail();

        public Task<AuditedCall> BeginAsync(
            ControlPlane.Access.Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken) =>
            Trail.BeginAsync(caller, request, decision, cancellationToken);

        public Task EndAsync(AuditedCall call, string outcome) => Trail.EndAsync(call, outcome);

        public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) =>
            Trail.RecordFailedSignInAsync(method, principal, address, why);
    }
}

/// <summary>A grain whose call changes its stored state, as the calls do that are recorded.</summary>
[Alias("ControlPlane.Benchmarks.IAuditedGrain")]
internal interface IAuditedGrain : IGrainWithStringKey
{
    [Alias("Set")]
    Task Set(string reason);
}

[GrainType("bench-audited")]
internal sealed class AuditedGrain([PersistentState("audited", Stores.Fleet)] IPersistentState<AuditedState> state) : Grain, IAuditedGrain
{
    public async Task Set(string reason)
    {
        state.State = new AuditedState { Reason = reason, Changes = state.State.Changes + 1 };
        await state.WriteStateAsync();
    }
}

[GenerateSerializer, Alias("ControlPlane.Benchmarks.AuditedState")]
internal sealed class AuditedState
{
    [Id(0)]
    public string Reason { get; set; } = "";

    [Id(1)]
    public int Changes { get; set; }
}
