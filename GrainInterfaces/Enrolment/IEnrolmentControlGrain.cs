namespace ControlPlane.Enrolment;

using ControlPlane.Access;
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
    [Alias("Get"), AlwaysInterleave, Requires(Permissions.EnrolmentRead, On = AccessTarget.Overlay)]
    Task<EnrolmentControl?> Get();

    /// <summary>Lets no enrolment into the overlay begin; those whose nodes have made their keys are finished. Safe to repeat.</summary>
    [Alias("Pause"), Requires(Permissions.EnrolmentControl, On = AccessTarget.Overlay)]
    Task<EnrolmentControl?> Pause(ControlChange change);

    /// <summary>Lets enrolments go on that were paused. Leaves the brake alone. Safe to repeat.</summary>
    [Alias("Resume"), Requires(Permissions.EnrolmentControl, On = AccessTarget.Overlay)]
    Task<EnrolmentControl?> Resume(ControlChange change);

    /// <summary>Lets so many enrolments a minute begin, on all silos together; null: as many as can be borne. Safe to repeat.</summary>
    [Alias("Limit"), Requires(Permissions.EnrolmentControl, On = AccessTarget.Overlay)]
    Task<EnrolmentControl?> Limit(int? perMinute, ControlChange change);

    /// <summary>
    /// Lets the nodes go on that the brake stopped. What fell, or did not arrive, before counts no more. Safe to repeat.
    /// </summary>
    [Alias("ReleaseBrake"), Requires(Permissions.EnrolmentControl, On = AccessTarget.Overlay)]
    Task<EnrolmentControl?> ReleaseBrake(ControlChange change);
}

/// <param name="Reason">Why, in the operator's words. 1 to 200 characters on one line.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ControlChange")]
public sealed record ControlChange([property: Id(0)] string Reason) : IGivesReason;
