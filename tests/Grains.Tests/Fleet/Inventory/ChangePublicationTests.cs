
using ControlPlane.Nodes;

namespace ControlPlane.Fleet.Tests;

/// <summary>Issue 12, item 26: five entries of 390 kB stopped the change feed of a slice.</summary>
public sealed class ChangePublicationTests
{
    private static readonly string Huge = new('x', 390_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PublishAsync_LeavesOutWhatCannotBePublished_AndGoesOnWithTheOthers()
    {
        var feed = new LimitedFeed(bytesMax: 100_000);
        var changes = Enumerable.Range(0, 100).Select(number => Change(number, number % 20 == 7 ? Huge : "waits")).ToList();
        var leftOut = new List<string>();

        await ChangePublication.PublishAsync(feed, changes, (change, _) => leftOut.Add(change.Node.Identity), Cancelled);

        Assert.Equal(["node7", "node27", "node47", "node67", "node87"], leftOut);
        Assert.Equal(
            changes.Where(change => change.Node.Reason != Huge).Select(change => change.Node.Identity), feed.Published);
    }

    [Fact]
    public async Task PublishAsync_IsOneMessage_WhenNothingIsWrong()
    {
        var feed = new LimitedFeed(bytesMax: 100_000);

        await ChangePublication.PublishAsync(
            feed,
            [.. Enumerable.Range(0, 100).Select(number => Change(number, "waits"))],
            (_, fault) => Assert.Fail(fault.Message),
            Cancelled);

        Assert.Equal(1, feed.Messages);
    }

    [Fact]
    public async Task PublishAsync_LeavesNothingOut_WhenTheBrokerIsAway()
    {
        var feed = new LimitedFeed(bytesMax: 100_000) { IsAway = true };

        await Assert.ThrowsAsync<SoftStateException>(() => ChangePublication.PublishAsync(
            feed, [Change(1, "waits"), Change(2, "waits")], (_, fault) => Assert.Fail(fault.Message), Cancelled));
        Assert.Equal(1, feed.Messages);
    }

    private static NodeChange Change(int number, string reason) => new(
        new RosterEntry($"node{number}", NodeStage.Deferred, null, reason, DateTimeOffset.UnixEpoch, null), InventoryDigest: null);

    private sealed class LimitedFeed(int bytesMax) : INodeChanges
    {
        public bool IsAway { get; init; }

        public int Messages { get; private set; }

        public List<string> Published { get; } = [];

        public Task PublishAsync(IReadOnlyList<NodeChange> changes, CancellationToken cancellationToken)
        {
            Messages++;
            if (IsAway)
            {
                throw new SoftStateException("away");
            }

            if (changes.Sum(change => change.Node.Reason!.Length) > bytesMax)
            {
                throw new ArgumentException("too large", nameof(changes));
            }

            Published.AddRange(changes.Select(change => change.Node.Identity));
            return Task.CompletedTask;
        }
    }
}
