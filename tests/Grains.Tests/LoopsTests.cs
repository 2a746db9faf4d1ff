using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using ControlPlane.Enrolment;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Nodes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Orleans.Runtime;

namespace ControlPlane.Grains.Tests;

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
    [InlineData("fleet waker")]
    [InlineData("plan waker")]
    [InlineData("home keeper")]
    [InlineData("revocations of local")]
    [InlineData("audit of local")]
    [InlineData("enrolment controls")]
    public async Task ALoop_IsCountedAndBegunAgain_WhenWhatItLeansOnThrows(string loop)
    {
        using var service = Service(loop);
        await service.StartAsync(Cancelled);
        while (failures.GetValueOrDefault(loop) < 3)
        {
            time.Advance(TimeSpan.FromMinutes(30));
            await Task.Delay(TimeSpan.FromMilliseconds(5), Cancelled);
        }

        Assert.False(service.ExecuteTask!.IsCompleted);
        await service.StopAsync(Cancelled);
        Assert.True(service.ExecuteTask.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Turns_AreToldOfAFailure_AndTheNextOnesAreDrawn()
    {
        using var guarded = new SlotReservations(grains, loops);
        await guarded.StartAsync(Cancelled);

        await Assert.ThrowsAsync<InvalidOperationException>(() => guarded.TakeAsync("eu-1", Cancelled));
        await Assert.ThrowsAsync<InvalidOperationException>(() => guarded.TakeAsync("eu-1", Cancelled));

        await guarded.StopAsync(Cancelled);
    }

    private BackgroundService Service(string loop)
    {
        var overlays = new OverlaysOptions { Region = "eu", Local = "eu-1", Members = { ["eu-1"] = new(), ["eu-2"] = new() } };
        var certificates = new CertificatesOptions { Profiles = { ["node"] = new CertificateProfile { Issuers = ["local"] } } };
        var gate = new EnrolmentGate(Options.Create(new ProvisioningOptions()), Options.Create(new AdmissionOptions()), new(), time);
        return loop switch
        {
            "fleet waker" => new FleetWaker(grains, Options.Create(overlays), loops),
            "plan waker" => new PlanWaker(grains, Options.Create(overlays), loops),
            "home keeper" => new OverlaySync(
                grains,
                DispatchProxy.Create<IPlacementLink, Throwing>(),
                new Fixed<OverlaysOptions>(overlays),
                loops,
                NullLogger<OverlaySync>.Instance),
            "revocations of local" => new RevocationClock(grains, Options.Create(certificates), time, loops),
            "audit of local" => new AuditClock(grains, Options.Create(certificates), loops),
            "enrolment controls" => new AdmissionPulse(
                gate,
                new ControlReader(
                    grains,
                    new(),
                    Options.Create(overlays),
                    DispatchProxy.Create<ILocalSiloDetails, Throwing>(),
                    NullLogger<ControlReader>.Instance),
                new LogPace(time),
                loops,
                NullLogger<AdmissionPulse>.Instance),
            _ => throw new ArgumentException(loop),
        };
    }

    /// <summary>Stands for whatever a loop leans on, and fails.</summary>
    public class Throwing : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new InvalidOperationException("broken");
    }

    private sealed record Fixed<T>(T CurrentValue) : IOptionsMonitor<T>
    {
        public T Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<T, string?> listener) => null;
    }
}
