using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>Tells the pulling agent that an Orleans stream has new messages; what consumers get is cut by their cursors.</summary>
/// <remarks>
/// Without messages it only wakes the stream's consumers. Its token is that of the first new message, since that is where the agent pins a
/// stream it does not know yet.
/// </remarks>
internal sealed class HeldBatch(StreamId streamId, List<HeldMessage> messages) : IBatchContainer
{
    public StreamId StreamId => streamId;

    public List<HeldMessage> Messages => messages;

    public StreamSequenceToken SequenceToken { get; } = new AgentToken(messages.Count > 0 ? messages[0].Position : 0);

    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>() => throw new NotSupportedException("arrivals are not delivered");

    public bool ImportRequestContext() => false;
}
