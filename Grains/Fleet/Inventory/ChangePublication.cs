
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Publishes a batch of changes so that one of them which cannot be published does not keep back the others.</summary>
internal static class ChangePublication
{
    /// <summary>Publishes in one message, or in smaller ones where that cannot be.</summary>
    /// <param name="feed">Where to.</param>
    /// <param name="changes">At least one; halved until what cannot be published stands alone.</param>
    /// <param name="leftOut">Told of a change that cannot be published, and why. The next change of its node is tried again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SoftStateException">The broker is away: all is to be published again.</exception>
    public static async Task PublishAsync(
        INodeChanges feed, IReadOnlyList<NodeChange> changes, Action<NodeChange, Exception> leftOut, CancellationToken cancellationToken)
    {
        try
        {
            await feed.PublishAsync(changes, cancellationToken);
        }
        catch (Exception fault) when (fault is not SoftStateException && !cancellationToken.IsCancellationRequested)
        {
            if (changes.Count == 1)
            {
                leftOut(changes[0], fault);
                return;
            }

            var half = changes.Count / 2;
            await PublishAsync(feed, [.. changes.Take(half)], leftOut, cancellationToken);
            await PublishAsync(feed, [.. changes.Skip(half)], leftOut, cancellationToken);
        }
    }
}
