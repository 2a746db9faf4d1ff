namespace ControlPlane.Chaos;

/// <summary>What a soak does to an overlay.</summary>
internal enum Fault
{
    /// <summary>SIGKILL of one silo; it is started again.</summary>
    KillSilo,

    /// <summary>SIGTERM of one silo, as in a rolling restart.</summary>
    RestartSilo,

    /// <summary>SIGSTOP of one silo until after the others have declared it dead.</summary>
    HangSilo,

    /// <summary>SIGKILL of Redis; it is started again.</summary>
    KillRedis,

    /// <summary>SIGSTOP of Redis for two seconds.</summary>
    HangRedis,

    /// <summary>SIGKILL of the overlay's broker; it is started again.</summary>
    KillOverlayBroker,

    /// <summary>SIGKILL of the provisioning broker; it is started again.</summary>
    KillProvisioningBroker,

    /// <summary>SIGSTOP of the overlay's broker for three seconds.</summary>
    HangOverlayBroker,

    /// <summary>An operator has some enrolled nodes enrol anew.</summary>
    Reprovision,

    /// <summary>For some seconds a machine of the provisioning network answers for others and speaks in their names.</summary>
    HostileMachine,
}

/// <param name="At">When, from the start of the soak.</param>
/// <param name="Fault">What happens.</param>
/// <param name="Victim">A number that picks the silo, or the nodes.</param>
internal sealed record ScheduledFault(TimeSpan At, Fault Fault, int Victim);

/// <summary>The faults of a soak. Pure: a seed and a duration give the same schedule everywhere.</summary>
internal static class FaultSchedule
{
    private const int VictimsMax = 1_000_000;

    public static IReadOnlyList<ScheduledFault> Of(int seed, TimeSpan duration, TimeSpan interval)
    {
        var random = new Random(seed);
        var faults = new List<ScheduledFault>();
        var kinds = new Queue<Fault>();

        // Half to one and a half of the interval apart; each kind comes once before any comes twice, so that a short soak has seen all.
        for (var at = Step(); at < duration; at += Step())
        {
            if (kinds.Count == 0)
            {
                var all = Enum.GetValues<Fault>();
                random.Shuffle(all);
                kinds = new Queue<Fault>(all);
            }

            faults.Add(new ScheduledFault(at, kinds.Dequeue(), random.Next(VictimsMax)));
        }

        return faults;

        TimeSpan Step() => interval * (0.5 + random.NextDouble());
    }
}
