using ControlPlane.Fleet;
using ControlPlane.Nodes;
using Orleans.Serialization;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Writes changes to the overlay's feed: a batch is a message, and its sequence the position.</summary>
internal sealed class NodeChangeWriter(OverlayStreams streams, Serializer serializer) : INodeChanges
{
    /// <summary>Half of what brokers take unless they are told otherwise: one that is given more ends the connection.</summary>
    public const int MessageBytesMax = 512 * 1024;

    public Task PublishAsync(IReadOnlyList<NodeChange> changes, CancellationToken cancellationToken)
    {
        var content = serializer.SerializeToArray(changes.ToArray());
        return content.Length <= MessageBytesMax
            ? streams.PublishAsync(streams.Changes, streams.ChangesSubject, content, messageId: null, cancellationToken)
            : throw new ArgumentException($"the changes take {content.Length} bytes, more than {MessageBytesMax}", nameof(changes));
    }
}
