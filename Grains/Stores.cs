namespace ControlPlane;

/// <summary>The names of the grain storage providers.</summary>
public static class Stores
{
    /// <summary>Hard state of the fleet: nodes, rosters, placement.</summary>
    public const string Fleet = "fleet";
}
