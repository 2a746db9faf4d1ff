using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.Fleet.Tests;

/// <summary>Issue 12, item 26: five entries that are too large stopped the change feed of a slice.</summary>
public sealed class ChangePublicationTests : IDisposable
{
    private static readonly string Huge = new('x', StoreLimits.ContentBytesMax + 1);

    private readonly ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();
    private readonly MemoryLog log = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private Serializer Serializer => services.GetRequiredService<Serializer>();

    public void Dispose() => services.Dispose();

    [Fact]
    public async Task PublishAsync_LeavesOutWhatCannotBePublished_AndGoesOnWithTheOthers()
    {
        var changes = Enumerable.Range(0, 100).Select(number => Change(number, number % 20 == 7 ? Huge : "waits")).ToList();
        var leftOut = new List<string>();

        await PublishAsync(changes, (change, _) => leftOut.Add(change.Node.Identity));

        Assert.Equal(["node7", "node27", "node47", "node67", "node87"], leftOut);
        Assert.Equal(
            changes.Where(change => change.Node.Reason != Huge).Select(change => change.Node.Identity),
            log.Records.SelectMany(record => Serializer.Deserialize<NodeChange[]>(record.Content)!).Select(change => change.Node.Identity));
    }

    [Fact]
    public async Task PublishAsync_IsOneRecord_OfItsSlice_WhenNothingIsWrong()
    {
        await PublishAsync(
            [.. Enumerable.Range(0, 100).Select(number => Change(number, "waits"))], (_, fault) => Assert.Fail(fault.Message));

        Assert.Equal("7", Assert.Single(log.Records).Topic);
    }

    [Fact]
    public async Task PublishAsync_LeavesNothingOut_WhenTheBrokerIsAway()
    {
        var asked = 0;
        log.BeforeAnswer = () =>
        {
            asked++;
            throw new StoreUnavailableException("away");
        };

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => PublishAsync([Change(1, "waits"), Change(2, "waits")], (_, fault) => Assert.Fail(fault.Message)));
        Assert.Equal(1, asked);
    }

    private Task PublishAsync(IReadOnlyList<NodeChange> changes, Action<NodeChange, Exception> leftOut) =>
        new ChangePublication(log, Serializer).PublishAsync("7", changes, leftOut, Cancelled);

    private static NodeChange Change(int number, string reason) => new(
        new RosterEntry($"node{number}", NodeStage.Deferred, null, reason, DateTimeOffset.UnixEpoch, null), InventoryDigest: null);
}
