using System.Net.Http.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Chaos;

/// <summary>Carries out the faults of a schedule, and heals each before the next.</summary>
/// <param name="stage">What is broken.</param>
/// <param name="fleet">The nodes.</param>
/// <param name="answered">Where it notes what it called as an operator, when that was done.</param>
/// <param name="onSiloLine">Sees what silos log that it starts.</param>
/// <param name="time">The clock.</param>
internal sealed class FaultInjector(
    EnrolmentStage stage, SimulatedFleet fleet, ICollection<OperatorCall> answered, Action<string> onSiloLine, TimeProvider time)
{
    private const int ReprovisionedAtOnce = 5;
    private const int InventedAtOnce = 500;

    /// <summary>How long the hostile machine stays before an operator finds it.</summary>
    private static readonly TimeSpan HostileFor = TimeSpan.FromSeconds(5);

    /// <summary>Longer than the others take to declare a silo dead: three probes of one second, and the vote.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan ShortHang = TimeSpan.FromSeconds(2);

    /// <summary>What a service manager takes to start a process again.</summary>
    private static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(1);

    public Task InjectAsync(ScheduledFault fault, CancellationToken cancellationToken) => fault.Fault switch
    {
        Fault.KillSilo => EndSiloAsync(fault.Victim, silo => silo.KillAsync(), cancellationToken),
        Fault.RestartSilo => EndSiloAsync(fault.Victim, silo => silo.StopAsync(), cancellationToken),
        Fault.HangSilo => HangSiloAsync(fault.Victim, cancellationToken),
        Fault.KillRedis => RestartAsync(stage.Redis.KillAsync, stage.Redis.RestartAsync, cancellationToken),
        Fault.HangRedis => HangAsync(stage.Redis.Pause, stage.Redis.Continue, ShortHang, cancellationToken),
        Fault.KillOverlayBroker => RestartAsync(stage.Brokers.Overlay.KillAsync, stage.Brokers.Overlay.RestartAsync, cancellationToken),
        Fault.KillProvisioningBroker =>
            RestartAsync(stage.Brokers.Provisioning.KillAsync, stage.Brokers.Provisioning.RestartAsync, cancellationToken),
        Fault.HangOverlayBroker => HangAsync(stage.Brokers.Overlay.Pause, stage.Brokers.Overlay.Continue, ShortHang, cancellationToken),
        Fault.Reprovision => ReprovisionAsync(fault.Victim, cancellationToken),
        Fault.HostileMachine => BeHostileAsync(fault.Victim, cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Fault, "not a fault"),
    };

    /// <summary>Starts every silo that does not run: one that was voted dead while it hung has ended itself.</summary>
    public async Task HealAsync(CancellationToken cancellationToken)
    {
        for (var number = 0; number < stage.Silos.Count; number++)
        {
            if (stage.Silos[number] is not { IsRunning: true })
            {
                await stage.StartSiloAsync(cancellationToken, onSiloLine, number);
            }
        }

        await ReleaseContestedAsync(cancellationToken);
    }

    // Nodes enrol under its eyes, and it says of enrolled ones that they start anew.
    private async Task BeHostileAsync(int victim, CancellationToken cancellationToken)
    {
        await using var machine = await HostileMachine.StartAsync(stage, time, cancellationToken);
        var enrolled = (await ListOrNothingAsync(cancellationToken)).Where(node => node.Stage == NodeStage.Enrolled)
            .Select(node => node.Identity).ToArray();
        new Random(victim).Shuffle(enrolled);
        await machine.SpeakAsync(enrolled.Take(ReprovisionedAtOnce), InventedAtOnce, cancellationToken);
        await ReprovisionAsync(victim, cancellationToken);
        await Task.Delay(HostileFor, time, cancellationToken);
    }

    // The operator has found the machine.
    private async Task ReleaseContestedAsync(CancellationToken cancellationToken)
    {
        foreach (var node in (await ListOrNothingAsync(cancellationToken)).Where(node => node.Stage == NodeStage.Quarantined))
        {
            await ReprovisionAsync(node.Identity, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<RosterEntry>> ListOrNothingAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await new ControlPlaneView(stage).ListAsync(cancellationToken);
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    private async Task EndSiloAsync(int victim, Func<SiloProcess, Task> end, CancellationToken cancellationToken)
    {
        var number = victim % stage.Silos.Count;
        if (stage.Silos[number] is { IsRunning: true } silo)
        {
            await end(silo);
        }

        await Task.Delay(RestartDelay, time, cancellationToken);
        await stage.StartSiloAsync(cancellationToken, onSiloLine, number);
    }

    private async Task HangSiloAsync(int victim, CancellationToken cancellationToken)
    {
        if (stage.Silos[victim % stage.Silos.Count] is { IsRunning: true } silo)
        {
            await HangAsync(silo.Pause, silo.Continue, Hang, cancellationToken);
        }
    }

    private async Task HangAsync(Action pause, Action proceed, TimeSpan duration, CancellationToken cancellationToken)
    {
        pause();
        try
        {
            await Task.Delay(duration, time, cancellationToken);
        }
        finally
        {
            proceed();
        }
    }

    private async Task RestartAsync(Func<Task> kill, Func<CancellationToken, Task> restart, CancellationToken cancellationToken)
    {
        await kill();
        await Task.Delay(RestartDelay, time, cancellationToken);
        await restart(cancellationToken);
    }

    private async Task ReprovisionAsync(int victim, CancellationToken cancellationToken)
    {
        var random = new Random(victim);
        var arrived = fleet.Nodes.Where(node => node.Stage == SimulatedNodeStage.Arrived).ToArray();
        random.Shuffle(arrived);
        foreach (var node in arrived.Take(ReprovisionedAtOnce))
        {
            await ReprovisionAsync(node.Identity, cancellationToken);
        }
    }

    private async Task ReprovisionAsync(string identity, CancellationToken cancellationToken)
    {
        try
        {
            var path = $"/v1/nodes/{Uri.EscapeDataString(identity)}:reprovision";
            var call = new OperatorCall(identity, $"soak at {time.GetUtcNow():O}");
            using var answer = await stage.Silo!.Api.PostAsJsonAsync(path, new { reason = call.Reason }, cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                answered.Add(call);
            }
        }
        catch (HttpRequestException)
        {
            // An operator whose call fails while a silo starts tries again later; the soak does with the next fault of this kind.
        }
    }
}
