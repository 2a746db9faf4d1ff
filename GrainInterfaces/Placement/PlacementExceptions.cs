namespace ControlPlane.Placement;

/// <summary>The decision could not be recorded: nothing was promised; ask again.</summary>
[GenerateSerializer, Alias("ControlPlane.PlacementUnavailableException")]
public sealed class PlacementUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>This overlay does not hold the region's placement; the message says which one does.</summary>
[GenerateSerializer, Alias("ControlPlane.NotRegionLeaderException")]
public sealed class NotRegionLeaderException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The overlay is retired, and that is for good: the message says what to do instead.</summary>
[GenerateSerializer, Alias("ControlPlane.OverlayRetiredException")]
public sealed class OverlayRetiredException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The overlay does not answer, and it alone can do what was asked.</summary>
[GenerateSerializer, Alias("ControlPlane.OverlayUnreachableException")]
public sealed class OverlayUnreachableException(string message, Exception? inner = null) : Exception(message, inner);
