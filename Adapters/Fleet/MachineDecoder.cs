using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Reads what nodes' autonomous agents say, transitions and watcher states: whoever's agents speak is alive.</summary>
internal sealed class MachineDecoder : IJetStreamDecoder
{
    private const string SourceEnd = "-machine";

    /// <summary>The name of an overlay's source of machine events.</summary>
    public static string SourceOf(string overlay) => overlay + SourceEnd;

    public DecodedMessage Decode(in JetStreamMessage message) =>
        MachineEvent.TryDecode(message.Payload.Span, out var decoded, out var fault)
            ? StreamIdentities.Event(
                new FleetEvent(
                    decoded.Identity,
                    FleetEventKind.Machine,
                    ChoriaSubjects.ServerComponent,
                    Version: null,
                    decoded.Time,
                    message.StoredAt,
                    message.Source[..^SourceEnd.Length],
                    message.Sequence))
            : DecodedMessage.Poison($"not a machine event: {fault}");
}
