namespace ControlPlane.Adapters.Nats;

/// <summary>Reads a source by its decoder: every event goes to the partition stream of its identity.</summary>
internal sealed class SourceReader(
    IJetStreamDecoder decoder, IReadOnlyList<string> subjects, string streamNamespace, int partitions) : IMessageReader
{
    public MessageContent Read(in JetStreamMessage message)
    {
        // Servers before 2.10 filter by one subject only: with several, the stream is read whole and the rest is left out here.
        if (subjects.Count > 1 && !Wanted(message.Subject))
        {
            return MessageContent.Nothing;
        }

        DecodedMessage decoded;
        try
        {
            decoded = decoder.Decode(message);
        }
#pragma warning disable CA1031 // A decoder that throws must not stop the queue: what it cannot read is poison, with its reason.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            return MessageContent.Poison($"the decoder threw {fault.GetType().Name}: {fault.Message}");
        }

        if (decoded.PoisonReason is { } reason)
        {
            return MessageContent.Poison(reason);
        }

        return decoded is { Identity: { } identity, Payload: { } payload }
            ? new MessageContent(StreamPartition.StreamOf(streamNamespace, StreamPartition.Of(identity, partitions)), [payload])
            : MessageContent.Nothing;
    }

    private bool Wanted(string subject)
    {
        foreach (var filter in subjects)
        {
            if (JetStreamSubject.Matches(filter, subject))
            {
                return true;
            }
        }

        return false;
    }
}
