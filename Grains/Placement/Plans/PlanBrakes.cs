using ControlPlane.Flow;

namespace ControlPlane.Placement.Plans;

/// <summary>When a plan stops by itself: what breaks the few must not be done to the many.</summary>
internal static class PlanBrakes
{
    /// <summary>Moves after which something is concluded.</summary>
    public const int MovesMin = 5;

    /// <summary>Enrolments of the region, moves or not, after which something is concluded.</summary>
    private const int EnrolmentsMin = 20;

    private static readonly BrakeRule Moved = new(ShareMax: 0.2) { SampleMin = MovesMin, LastMax = 50 };
    private static readonly BrakeRule Enrolled = Moved with { SampleMin = EnrolmentsMin };

    /// <summary>How the moves of the plan end.</summary>
    public static Brake OfMoves() => new(() => Moved);

    /// <summary>
    /// How enrolments end: the plan may be innocent, and still must not go on while nodes of the region do not come back from enrolling.
    /// </summary>
    public static Brake OfEnrolments() => new(() => Enrolled);

    /// <summary>Why the plan is to stop; null while there is no reason to.</summary>
    public static string? Reason(Brake moves, Brake enrolments, DateTimeOffset now) =>
        Reason(Moved, moves.Count(now), "moves") ?? Reason(Enrolled, enrolments.Count(now), "enrolments of the region");

    private static string? Reason(BrakeRule rule, (int Failed, int Of) last, string what) =>
        rule.Stops(last.Failed, last.Of) ? $"brake: {last.Failed} of the last {last.Of} {what} failed" : null;
}
