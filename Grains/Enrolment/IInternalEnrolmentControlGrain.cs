namespace ControlPlane.Enrolment;

/// <summary>What silos tell and ask an overlay's control.</summary>
[Alias("ControlPlane.IInternalEnrolmentControlGrain")]
internal interface IInternalEnrolmentControlGrain : IEnrolmentControlGrain
{
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
internal sealed record EnrolmentReport(
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
internal sealed record EnrolmentSlots(
    [property: Id(0)] DateTimeOffset First, [property: Id(1)] TimeSpan Interval, [property: Id(2)] long Version);
