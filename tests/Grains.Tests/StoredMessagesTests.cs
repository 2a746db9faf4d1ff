using System.IO.Compression;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Fleet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests;

/// <summary>Any bytes may be stored where we read: one message never keeps the others from being read.</summary>
public sealed class StoredMessagesTests : IDisposable
{
    private static readonly NodeInventory Kept = new(
        "web1.example.net",
        InventorySource.Enrolment,
        DateTimeOffset.UnixEpoch,
        "{}"u8.ToArray(),
        ["base"],
        ["rpcutil"],
        ["choria"],
        "0.30.2",
        "digest",
        Dropped: 0);

    private readonly ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();
    private readonly MemoryFleetState state = new() { Heard = [] };
    private readonly StoredMessages stored;

    public StoredMessagesTests() => stored = new StoredMessages(Serializer, NullLogger<StoredMessages>.Instance);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private Serializer Serializer => services.GetRequiredService<Serializer>();

    public void Dispose()
    {
        stored.Dispose();
        services.Dispose();
    }

    [Fact]
    public async Task Liveness_IsRestored_FromWhatCanBeRead()
    {
        var keeper = new LivenessStore(
            state.Register, state, Serializer, stored, Options.Create(new LivenessOptions()), TimeProvider.System);
        foreach (var (number, bytes) in Anything(Serializer.SerializeToArray(new LivenessSnapshot(
            DateTimeOffset.UnixEpoch.AddDays(20_000),
            [new HeartbeatRecord("web1", NodeLiveness.Alive, TimeSpan.Zero, 1, 1, 1, 1, 1, 1, 1)],
            true))).Index())
        {
            await state.Register.WriteAsync("liveness.3", $"{number}", bytes, expected: null, Cancelled);
            await keeper.RestoreAsync("3", new LivenessTable(new LivenessOptions()), _ => { }, Cancelled);
        }
    }

    [Fact]
    public async Task Inventories_AreRecalled_ThatCanBeRead()
    {
        var keeper = new InventoryStore(state.Register, Serializer, stored);
        await keeper.KeepAsync("3", Kept, Cancelled);
        var packed = (await state.Register.FindAsync("inventory.3", Kept.Identity, Cancelled))!.Content.ToArray();
        foreach (var (number, bytes) in Anything(packed).Concat(Anything(Serializer.SerializeToArray(Kept)).Select(Pack)).Index())
        {
            await state.Register.WriteAsync("inventory.3", $"broken{number}", bytes, expected: null, Cancelled);
            await keeper.FindAsync("3", $"broken{number}", Cancelled);
        }

        Assert.Contains(Kept.Identity, await keeper.RecallAsync("3", Cancelled).Select(one => one.Identity).ToListAsync(Cancelled));
    }

    [Fact]
    public void Changes_AreReadOrLeftOut()
    {
        foreach (var bytes in Anything(Serializer.SerializeToArray(Array.Empty<NodeChange>())))
        {
            stored.ReadOrNull<NodeChange[]>("changes", "a test", bytes);
        }
    }

    /// <summary>Random bytes, and what was right with some of its bytes changed, left out or repeated.</summary>
    private static IEnumerable<byte[]> Anything(byte[] right)
    {
        var random = new Random(7);
        for (var time = 0; time < 100; time++)
        {
            var noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            yield return noise;

            var bent = right.ToArray();
            for (var change = random.Next(1, 4); change > 0 && bent.Length > 0; change--)
            {
                bent[random.Next(bent.Length)] = (byte)random.Next(256);
            }

            yield return bent;
            yield return right[..random.Next(right.Length)];
            yield return [.. right, .. noise];
        }
    }

    private static byte[] Pack(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            brotli.Write(plain);
        }

        return packed.ToArray();
    }
}
