using System.Globalization;

namespace ControlPlane.Nodes;

/// <summary>How the nodes of a site are spread over <see cref="IFleetSliceGrain"/>s.</summary>
public static class FleetSlices
{
    /// <summary>
    /// How many slices there are, and partitions of the fleet's events, of which each slice reads that of its number. Fixed: a node is
    /// looked for in the slice where it was recorded.
    /// </summary>
    public const int Count = 64;

    /// <summary>The slice that a node belongs to.</summary>
    public static int NumberOf(string identity) => StableHash.Bucket(identity, Count);

    /// <summary>The key of the slice that a node belongs to.</summary>
    public static string KeyOf(string identity) => KeyOf(NumberOf(identity));

    /// <summary>The key of a slice: its number in decimal.</summary>
    public static string KeyOf(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A slice.</summary>
    public static IFleetSliceGrain GetSlice(this IGrainFactory grains, int number) => grains.GetGrain<IFleetSliceGrain>(KeyOf(number));

    /// <summary>The slice that a node belongs to.</summary>
    public static IFleetSliceGrain GetSliceOf(this IGrainFactory grains, string identity) => grains.GetSlice(NumberOf(identity));
}
