using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Threading.Channels;
using ControlPlane.Certificates;
using ControlPlane.Enrolment;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Orleans.Runtime;

namespace ControlPlane.Grains.Tests.Flow;

/// <summary>What has to go on does so, whatever breaks it off.</summary>
public sealed class LoopsTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly Loops loops;
    private readonly ConcurrentDictionary<string, int> failures = new(StringComparer.Ordinal);
    private readonly MeterListener listener = new();
    private readonly IGrainFactory grains = DispatchProxy.Create<IGrainFactory, Throwing>();

    public LoopsTests()
    {
        loops = new Loops(time, NullLogger<Loops>.Instance);
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Name == "controlplane.loops.failures")
            {
                to.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
            failures.AddOrUpdate((string)tags[0].Value!, 1, (_, count) => count + 1));
        listener.Start();
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        listener.Dispose();
        loops.Dispose();
    }

    [Theory]
    [InlineData("fleet")]
    [InlineData("region")]
    [InlineData("revocations of local")]
    [InlineData("audit of local")]
    [InlineData("enrolment controls")]
    public async Task ARound_IsCountedAndFollowedByTheNext_WhenWhatItLeansOnThrows(string name)
    {
        using var service = Service(services => services.AddRounds<LoopsTests>(_ => Rounds().Where(round => round.Name == name)));
        await service.StartAsync(Cancelled);
        while (failures.GetValueOrDefault(name) < 3)
        {
            time.Advance(TimeSpan.FromMinutes(30));
            await Task.Delay(TimeSpan.FromMilliseconds(5), Cancelled);
        }

        Assert.False(service.ExecuteTask!.IsCompleted);
        await service.StopAsync(Cancelled);
        Assert.True(service.ExecuteTask.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rounds_AreMadeAPeriodApart_UntilTheSiloEnds(bool isDueAtOnce)
    {
        var made = Channel.CreateUnbounded<DateTimeOffset>();
        using var service = Service(services => services.AddRounds<LoopsTests>(
            "noted", TimeSpan.FromSeconds(10), _ => made.Writer.TryWrite(time.GetUtcNow()), isDueAtOnce));
        var last = time.GetUtcNow();
        await service.StartAsync(Cancelled);
        if (isDueAtOnce)
        {
            Assert.Equal(last, await made.Reader.ReadAsync(Cancelled));
        }

        for (var round = 0; round < 3; round++)
        {
            while (!made.Reader.TryPeek(out _))
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(TimeSpan.FromMilliseconds(5), Cancelled);
            }

            var at = await made.Reader.ReadAsync(Cancelled);
            Assert.InRange(at - last, TimeSpan.FromSeconds(10), TimeSpan.MaxValue);
            last = at;
        }

        await service.StopAsync(Cancelled);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(made.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Turns_AreToldOfAFailure_AndTheNextOnesAreDrawn()
    {
        var guarded = new SlotReservations(grains);
        using var service = Service(services => services.AddRounds<LoopsTests>(
            "turns", TimeSpan.Zero, (_, token) => guarded.AnswerNextAsync(token), isDueAtOnce: true));
        await service.StartAsync(Cancelled);

        await Assert.ThrowsAsync<InvalidOperationException>(() => guarded.TakeAsync("eu-1", Cancelled));
        await Assert.ThrowsAsync<InvalidOperationException>(() => guarded.TakeAsync("eu-1", Cancelled));

        await service.StopAsync(Cancelled);
    }

    // The collection disposes of nothing that it was given.
    private BackgroundService Service(Action<IServiceCollection> add)
    {
        var services = new ServiceCollection().AddSingleton<TimeProvider>(time).AddSingleton(loops).AddSingleton(this);
        add(services);
        return Assert.IsType<BackgroundService>(
            Assert.Single(services.BuildServiceProvider().GetServices<IHostedService>()), exactMatch: false);
    }

    private IEnumerable<Round> Rounds()
    {
        var overlays = new OverlaysOptions { Region = "eu", Local = "eu-1", Members = { ["eu-1"] = new(), ["eu-2"] = new() } };
        var certificates = new CertificatesOptions { Profiles = { ["node"] = new CertificateProfile { Issuers = ["local"] } } };
        var issuers = new IssuerRounds(grains, Options.Create(certificates), time);
        var fleet = new FleetRounds(grains, Options.Create(overlays));
        var placement = new PlacementClient(grains, new Fixed<OverlaysOptions>(overlays));
        var controls = new ControlReader(
            grains,
            new(),
            Options.Create(overlays),
            DispatchProxy.Create<ILocalSiloDetails, Throwing>(),
            NullLogger<ControlReader>.Instance);
        return
        [
            .. issuers.Sweeps, .. issuers.Audits,
            new("region", TimeSpan.FromSeconds(15), _ => placement.WakeAsync()),
            new("fleet", TimeSpan.FromSeconds(5), _ => fleet.WakeAsync()),
            new("enrolment controls", TimeSpan.FromSeconds(1), _ => controls.ReadAsync()),
        ];
    }

    /// <summary>Stands for whatever a loop leans on, and fails.</summary>
    public class Throwing : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new InvalidOperationException("broken");
    }
}
