namespace ControlPlane.Enrolment;

using Orleans.Concurrency;

/// <summary>What operators, and the brake, let one overlay's enrolment do. Kept until somebody changes it.</summary>
/// <remarks>
/// Key: the overlay's name. It speaks for the nodes that this cluster enrols. Silos ask once a second and never for each node, so a change
/// is in force everywhere within two seconds. Each method answers null when the overlay is not configured here.
/// </remarks>
[Alias("ControlPlane.IEnrolmentControlGrain")]
public interface IEnrolmentControlGrain : IGrainWithStringKey
{
    /// <summary>The highest rate that can be asked for.</summary>
    public const int PerMinuteMax = 100_000;

    /// <summary>How things stand.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<EnrolmentControl?> Get();

    /// <summary>Lets no enrolment into the overlay begin; those whose nodes have made their keys are finished. Safe to repeat.</summary>
    [Alias("Pause")]
    Task<EnrolmentControl?> Pause(ControlChange change);

    /// <summary>Lets enrolments go on that were paused. Leaves the brake alone. Safe to repeat.</summary>
    [Alias("Resume")]
    Task<EnrolmentControl?> Resume(ControlChange change);

    /// <summary>Lets so many enrolments a minute begin, on all silos together; null: as many as can be borne. Safe to repeat.</summary>
    [Alias("Limit")]
    Task<EnrolmentControl?> Limit(int? perMinute, ControlChange change);

    /// <summary>
    /// Lets the nodes go on that the brake stopped. What fell, or did not arrive, before counts no more. Safe to repeat.
    /// </summary>
    [Alias("ReleaseBrake")]
    Task<EnrolmentControl?> ReleaseBrake(ControlChange change);

    /// <summary>A silo's second: what it noticed, for how things stand. Safe to repeat with the same sequence.</summary>
    [Alias("Report")]
    Task<EnrolmentControl?> Report(EnrolmentReport report);

    /// <summary>
    /// Gives out the next turns of a limited overlay, to be told to the nodes that wait for one. Repeated, it gives others.
    /// </summary>
    /// <param name="wanted">How many nodes ask; 1 to 10 000.</param>
    /// <returns>Null when the overlay is not limited.</returns>
    [Alias("ReserveSlots")]
    Task<EnrolmentSlots?> ReserveSlots(int wanted);
}

/// <param name="Reason">Why, in the operator's words. 1 to 200 characters on one line.</param>
/// <param name="Actor">Who, as the API authenticated them.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ControlChange")]
public sealed record ControlChange([property: Id(0)] string Reason, [property: Id(1)] string Actor);

/// <param name="Silo">The silo and its incarnation.</param>
/// <param name="Sequence">Counts up with each report of the silo.</param>
/// <param name="Fallen">
/// Enrolled nodes that came back to enrol without having been asked to, and have shown a provisioning token of ours, since the report
/// before.
/// </param>
/// <param name="Heard">Of how many an event said so, which anybody may publish.</param>
/// <param name="Missing">Nodes that were configured, had their time to arrive, and are on no network. Null is none.</param>
/// <param name="Arrived">How many that were configured have arrived.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentReport")]
public sealed record EnrolmentReport(
    [property: Id(0)] string Silo,
    [property: Id(1)] long Sequence,
    [property: Id(2)] int Fallen,
    [property: Id(3)] int Heard = 0,
    [property: Id(4)] IReadOnlyList<string>? Missing = null,
    [property: Id(5)] int Arrived = 0);

/// <summary>Consecutive turns.</summary>
/// <param name="First">When the first one is.</param>
/// <param name="Interval">From one to the next.</param>
/// <param name="Version">The <see cref="EnrolmentControl.Version"/> that they are good for.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentSlots")]
public sealed record EnrolmentSlots(
    [property: Id(0)] DateTimeOffset First, [property: Id(1)] TimeSpan Interval, [property: Id(2)] long Version);
