using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Fleet;

/// <summary>Follows the overlay's log of changes, once for all watchers of this silo.</summary>
/// <remarks>Reads the end of the log anew after every fault: a gap between what it has and what comes is impossible, or is said.</remarks>
internal sealed class NodeChangeTail([FromKeyedServices(Logs.Changes)] ILog log, StoredMessages stored) : INodeChangeFeed
{
    private readonly ChangeWindow window = new();

    public ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken) =>
        window.ReadAsync(after, batchesMax, cancellationToken);

    /// <summary>Follows the log until it breaks off. Watchers wait meanwhile, and lose nothing.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var held = await log.GetPositionsAsync(cancellationToken);
        var from = window.Begin(held.First, held.Last);
        await foreach (var item in log.FollowAsync(from - 1, cancellationToken))
        {
            switch (item)
            {
                case LogItem.Entry entry:
                    var changes = stored.ReadOrNull<NodeChange[]>("changes", $"{Logs.Changes} {entry.Position}", entry.Record.Content);
                    window.Add(new ChangeBatch(entry.Position, changes ?? []));
                    break;
                case LogItem.Gap gap:
                    window.Begin(gap.Next, gap.Next - 1);
                    break;
            }
        }
    }
}
