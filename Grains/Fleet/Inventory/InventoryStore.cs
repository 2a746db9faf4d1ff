using System.IO.Compression;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Orleans.Serialization;

namespace ControlPlane.Fleet;

/// <summary>Keeps inventories on the overlay's brokers, packed: the last one of each node, under its slice.</summary>
internal sealed class InventoryStore(IRegister register, Serializer serializer, StoredMessages stored)
{
    /// <exception cref="StoreUnavailableException">It was not stored.</exception>
    public Task KeepAsync(string slice, NodeInventory inventory, CancellationToken cancellationToken)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            brotli.Write(serializer.SerializeToArray(inventory));
        }

        return register.WriteAsync(AreaOf(slice), inventory.Identity, packed.ToArray(), expected: null, cancellationToken);
    }

    /// <exception cref="StoreUnavailableException">It cannot be read.</exception>
    public async IAsyncEnumerable<NodeInventory> RecallAsync(
        string slice, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in register.ListAsync(AreaOf(slice), cancellationToken))
        {
            if (ReadOrNull(slice, entry.Key, entry.Content) is { } inventory)
            {
                yield return inventory;
            }
        }
    }

    /// <exception cref="StoreUnavailableException">It cannot be read.</exception>
    public async Task<NodeInventory?> FindAsync(string slice, string identity, CancellationToken cancellationToken) =>
        await register.FindAsync(AreaOf(slice), identity, cancellationToken) is { } entry
            ? ReadOrNull(slice, identity, entry.Content)
            : null;

    private NodeInventory? ReadOrNull(string slice, string identity, ReadOnlyMemory<byte> content) =>
        stored.ReadOrNull<NodeInventory>("inventory", $"{AreaOf(slice)}/{identity}", content, Unpack);

    private static ReadOnlyMemory<byte> Unpack(ReadOnlyMemory<byte> content)
    {
        using var brotli = new BrotliStream(new MemoryStream(content.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        brotli.CopyTo(plain);
        return plain.ToArray();
    }

    private static string AreaOf(string slice) => $"inventory.{slice}";
}
