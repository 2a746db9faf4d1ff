namespace ControlPlane.Overlays;

/// <summary>The decision could not be recorded: nothing was promised; ask again.</summary>
[GenerateSerializer, Alias("ControlPlane.PlacementUnavailableException")]
public sealed class PlacementUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The reservation lapsed before the node arrived and its overlay has filled since: enrol the node anew.</summary>
[GenerateSerializer, Alias("ControlPlane.PlacementLapsedException")]
public sealed class PlacementLapsedException(string message, Exception? inner = null) : Exception(message, inner);
