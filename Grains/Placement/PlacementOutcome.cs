using System.Text.Json.Serialization;

namespace ControlPlane.Placement;

/// <summary>What the placement decided.</summary>
[JsonDerivedType(typeof(Placed), "placed")]
[JsonDerivedType(typeof(Deferred), "deferred")]
[JsonDerivedType(typeof(Refused), "refused")]
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacementOutcome")]
internal abstract record PlacementOutcome
{
    /// <summary>A place in <paramref name="Overlay"/> is reserved until <paramref name="LeaseUntil"/>.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementOutcome.Placed")]
    public sealed record Placed(
        [property: Id(0)] string Overlay,
        [property: Id(1)] string Reason,
        [property: Id(2)] DateTimeOffset LeaseUntil) : PlacementOutcome;

    /// <summary>No overlay may take the node now.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementOutcome.Deferred")]
    public sealed record Deferred([property: Id(0)] string Reason, [property: Id(1)] TimeSpan RetryAfter) : PlacementOutcome;

    /// <summary>No overlay may ever take the node under the present policy.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementOutcome.Refused")]
    public sealed record Refused([property: Id(0)] string Reason) : PlacementOutcome;
}
