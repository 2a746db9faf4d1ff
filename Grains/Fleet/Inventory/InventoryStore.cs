using System.IO.Compression;
using ControlPlane.Nodes;
using Orleans.Serialization;

namespace ControlPlane.Fleet;

/// <summary>Keeps inventories on the overlay's brokers, packed: the last one of each node, under its slice.</summary>
internal sealed class InventoryStore(ISoftState soft, Serializer serializer, StoredMessages stored)
{
    /// <exception cref="SoftStateException">It was not stored.</exception>
    public Task KeepAsync(long slice, NodeInventory inventory, CancellationToken cancellationToken)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            brotli.Write(serializer.SerializeToArray(inventory));
        }

        return soft.KeepAsync(AreaOf(slice), inventory.Identity, packed.ToArray(), cancellationToken);
    }

    /// <exception cref="SoftStateException">It cannot be read.</exception>
    public async IAsyncEnumerable<NodeInventory> RecallAsync(
        long slice, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in soft.RecallAsync(AreaOf(slice), cancellationToken))
        {
            if (ReadOrNull(slice, entry.Key, entry.Content) is { } inventory)
            {
                yield return inventory;
            }
        }
    }

    /// <exception cref="SoftStateException">It cannot be read.</exception>
    public async Task<NodeInventory?> FindAsync(long slice, string identity, CancellationToken cancellationToken) =>
        await soft.FindAsync(AreaOf(slice), identity, cancellationToken) is { } content
            ? ReadOrNull(slice, identity, content)
            : null;

    private NodeInventory? ReadOrNull(long slice, string identity, ReadOnlyMemory<byte> content) =>
        stored.ReadOrNull<NodeInventory>("inventory", $"{AreaOf(slice)}/{identity}", content, Unpack);

    private static ReadOnlyMemory<byte> Unpack(ReadOnlyMemory<byte> content)
    {
        using var brotli = new BrotliStream(new MemoryStream(content.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        brotli.CopyTo(plain);
        return plain.ToArray();
    }

    private static string AreaOf(long slice) => $"inventory.{slice}";
}
