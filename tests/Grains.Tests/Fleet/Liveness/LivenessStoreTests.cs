using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Fleet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Fleet;

/// <summary>What the next owner of a partition makes of what the last one left.</summary>
public sealed class LivenessStoreTests : IDisposable
{
    private const string Partition = "3";

    private static readonly LivenessOptions Limits = new() { LateAfter = TimeSpan.FromMinutes(10), LostAfter = TimeSpan.FromMinutes(20) };
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(9);

    private readonly ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();
    private readonly FakeTimeProvider time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));
    private readonly MemoryFleetState state = new();
    private readonly LivenessTable table = new(Limits);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RestoreAsync_FindsADeadNodeAtItsOwnDeadline_AndNoLivingOne_AfterACrash()
    {
        await KeepAsync(isFinal: false, "dead", "living");

        // Heard after the snapshot, and acknowledged.
        time.Advance(TimeSpan.FromSeconds(20));
        state.Heard = [Alive("living")];

        Assert.False(await RestoreAsync());
        Assert.Equal([], LateAfter(Limits.LateAfter - Silence - TimeSpan.FromSeconds(1)));
        Assert.Equal(["dead"], LateAfter(TimeSpan.FromSeconds(1)));
        Assert.Equal(["living"], LateAfter(Silence));
    }

    [Fact]
    public async Task RestoreAsync_CallsNobodyLate_WhenNobodyKnowsWhoWasHeard()
    {
        await KeepAsync(isFinal: false, "dead", "living");
        state.Heard = null;

        Assert.False(await RestoreAsync());
        Assert.Equal([], LateAfter(Limits.LateAfter - TimeSpan.FromSeconds(1)));
        Assert.Equal(["dead", "living"], LateAfter(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task RestoreAsync_NeedsNothingElse_WhenThePartitionWasLeftInOrder()
    {
        await KeepAsync(isFinal: true, "dead");

        Assert.True(await RestoreAsync());
        Assert.Equal(["dead"], LateAfter(Limits.LateAfter - Silence));
    }

    [Fact]
    public async Task RestoreAsync_IsInOrder_WhenThereWasNothing() => Assert.True(await RestoreAsync());

    public void Dispose() => services.Dispose();

    private async Task KeepAsync(bool isFinal, params string[] nodes)
    {
        var left = new LivenessTable(Limits);
        foreach (var node in nodes)
        {
            left.Hear(Alive(node), time.GetUtcNow());
        }

        foreach (var (heartbeats, change) in left.TakeChanges(10, time.GetUtcNow()))
        {
            left.Confirm(heartbeats, change.To);
        }

        time.Advance(Silence);
        left.Advance(Silence);
        await Keeper().KeepAsync(Partition, left, isFinal, Cancelled);
    }

    private Task<bool> RestoreAsync() => Keeper().RestoreAsync(Partition, table, heard => table.Hear(heard, time.GetUtcNow()), Cancelled);

    private IReadOnlyList<string> LateAfter(TimeSpan passed)
    {
        table.Advance(passed);
        var late = table.TakeChanges(10, time.GetUtcNow());
        foreach (var (heartbeats, change) in late)
        {
            Assert.Equal(NodeLiveness.Late, change.To);
            table.Confirm(heartbeats, change.To);
        }

        return [.. late.Select(one => one.Node.Identity).Order(StringComparer.Ordinal)];
    }

    private LivenessStore Keeper() =>
        new(state.Register, state, services.GetRequiredService<Serializer>(), Stored, Options.Create(Limits), time);

    private StoredMessages Stored => new(services.GetRequiredService<Serializer>(), NullLogger<StoredMessages>.Instance);

    private FleetEvent Alive(string identity) =>
        new(
            identity,
            FleetEventKind.Alive,
            "server",
            "0.30.2",
            time.GetUtcNow(),
            time.GetUtcNow(),
            "overlay-1",
            (ulong)time.GetUtcNow().Ticks,
            identity);
}
