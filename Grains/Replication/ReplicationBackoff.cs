using ControlPlane.Flow;

namespace ControlPlane.Replication;

/// <summary>How long a link that fails is left alone. Pure.</summary>
/// <remarks>Hundreds of overlays lose one centre at once, and must not come back to it at once.</remarks>
internal static class ReplicationBackoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(2);

    /// <summary>Some minutes of an outage cost no data: the source keeps it for hours.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromMinutes(2);

    /// <param name="failures">How often it failed in a row, 1 or more.</param>
    /// <param name="random">From 0 to 1, drawn by the caller.</param>
    public static TimeSpan Delay(int failures, double random) => Backoff.Spread(Backoff.Doubled(First, failures - 1, Most), random);
}
