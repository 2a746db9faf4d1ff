using ControlPlane.Inventory;
using Orleans.Serialization;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Writes changes to the overlay's feed: a batch is a message, and its sequence the position.</summary>
internal sealed class NodeChangeWriter(OverlayStreams streams, Serializer serializer) : INodeChanges
{
    public Task PublishAsync(IReadOnlyList<NodeChange> changes, CancellationToken cancellationToken) => streams.PublishAsync(
        streams.Changes, streams.ChangesSubject, serializer.SerializeToArray(changes.ToArray()), messageId: null, cancellationToken);
}
