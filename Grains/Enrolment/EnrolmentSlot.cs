namespace ControlPlane.Enrolment;

/// <summary>When a node may enrol into an overlay whose rate is limited.</summary>
/// <param name="Mark">The overlay, and the version of its control that gave the turn: any change of the control takes it back.</param>
/// <param name="At">From when.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentSlot")]
internal sealed record EnrolmentSlot([property: Id(0)] ControlMark Mark, [property: Id(1)] DateTimeOffset At);
