namespace ControlPlane.Nodes;

/// <summary>A second answer to a request on the provisioning network, by the same name and another than the first.</summary>
/// <param name="Action">The action that was asked for.</param>
/// <param name="AskedAt">When it was asked.</param>
/// <param name="At">When the second answer came.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ContestedAnswer")]
public sealed record ContestedAnswer(
    [property: Id(0)] string Action, [property: Id(1)] DateTimeOffset AskedAt, [property: Id(2)] DateTimeOffset At);
