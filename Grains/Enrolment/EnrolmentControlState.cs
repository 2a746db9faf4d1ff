using ControlPlane.Flow;

namespace ControlPlane.Enrolment;

/// <summary>What survives a silo.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentControlState")]
internal sealed record EnrolmentControlState
{
    /// <summary>Null before the first change.</summary>
    [Id(0)]
    public EnrolmentControl? Control { get; init; }

    /// <summary>Turns were given out until here. Stored, so that the next activation gives none twice.</summary>
    [Id(1)]
    public DateTimeOffset TurnsUntil { get; init; }

    /// <summary>The state after a change, which takes back all turns.</summary>
    public static EnrolmentControlState After(EnrolmentControl control) =>
        new() { Control = control with { Version = control.Version + 1 } };

    /// <summary>The next turns of a limited overlay.</summary>
    public (EnrolmentControlState After, EnrolmentSlots Turns) Draw(
        EnrolmentControl control, EnrolmentLimit limit, int wanted, DateTimeOffset now)
    {
        var rate = new RateLimit(limit.PerMinute);
        var first = rate.Next(TurnsUntil, now);
        return (this with { TurnsUntil = first + (wanted * rate.Interval) }, new EnrolmentSlots(first, rate.Interval, control.Version));
    }
}
