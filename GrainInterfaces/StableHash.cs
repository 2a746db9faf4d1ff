using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ControlPlane;

/// <summary>The hash by which identities are spread over shards.</summary>
public static class StableHash
{
    /// <summary>XXH32 (seed 0) of the UTF-8 bytes, modulo <paramref name="buckets"/>: the same in every process and version.</summary>
    public static int Bucket(string text, int buckets) =>
        (int)(XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(text)) % (uint)buckets);

    /// <summary>XXH64 of the UTF-16 bytes, seeded with a number: the same in every process and version, and made without garbage.</summary>
    public static ulong Digest(string text, long number) => XxHash64.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()), number);
}
