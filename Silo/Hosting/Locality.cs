namespace ControlPlane.Hosting;

/// <summary>Which overlay of which region this silo runs.</summary>
internal sealed record Locality(string Region, string Overlay);
