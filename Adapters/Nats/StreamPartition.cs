using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>The rule by which identities are spread over the partition streams. Part of the contract: it never changes.</summary>
public static class StreamPartition
{
    /// <summary>XXH32 with seed 0 over the UTF-8 bytes of the identity, unsigned, modulo the number of partitions.</summary>
    public static int Of(string identity, int partitions)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return Of(Encoding.UTF8.GetBytes(identity), partitions);
    }

    /// <summary>The Orleans stream of a partition: the key is the partition's number in decimal.</summary>
    public static StreamId StreamOf(string streamNamespace, int partition) =>
        StreamId.Create(streamNamespace, partition.ToString(CultureInfo.InvariantCulture));

    internal static int Of(ReadOnlySpan<byte> identity, int partitions)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(partitions);
        return (int)(XxHash32.HashToUInt32(identity) % (uint)partitions);
    }
}
