namespace ControlPlane.Adapters.Nats;

/// <summary>Who reads a queue and from where: the record by which owners of a queue are told apart.</summary>
/// <param name="Epoch">Counts the owners. The consumer carries it in its name, so that an earlier owner's acknowledgements go
/// nowhere.</param>
/// <param name="Owner">The silo that has it.</param>
/// <param name="Released">Whether the owner gave it up; another may take it without waiting.</param>
/// <param name="StreamCreated">When the JetStream stream was made. One that was deleted and made anew counts its messages from 1
/// again.</param>
/// <param name="Floor">The sequence up to which everything was done when the record was written; the consumer knows better.</param>
/// <param name="Base">What is added to sequences to get positions: where the stream's predecessors of the same name ended.</param>
/// <param name="Consumer">The owner's consumer; empty when the queue was moved and nobody has read it since.</param>
/// <param name="Suspicion">What is held against messages with which owners died; null when nothing is.</param>
internal sealed record QueueRecord(
    long Epoch,
    string Owner,
    bool Released,
    DateTimeOffset StreamCreated,
    ulong Floor,
    long Base,
    string Consumer = "",
    Suspicion? Suspicion = null)
{
    public static string KeyOf(string queue) => $"queue/{queue}";
}

/// <summary>What is known of a JetStream stream when a queue is opened.</summary>
internal readonly record struct StreamBounds(DateTimeOffset Created, ulong FirstSequence, ulong LastSequence);

/// <summary>Where to go on reading, and what cannot be read any more.</summary>
/// <param name="Floor">The last sequence that is done.</param>
/// <param name="Base">What is added to sequences to get positions.</param>
/// <param name="Lost">What was not delivered and is gone; null when nothing is.</param>
internal sealed record QueuePosition(ulong Floor, long Base, LostMessages? Lost)
{
    /// <summary>Decides where a queue goes on. Pure.</summary>
    /// <param name="record">Who had the queue before; null when nobody had.</param>
    /// <param name="consumerFloor">The acknowledgement floor of that owner's consumer; null when it is gone.</param>
    /// <param name="stream">The JetStream stream.</param>
    /// <param name="start">Where a queue that nobody ever read begins.</param>
    public static QueuePosition Decide(QueueRecord? record, ulong? consumerFloor, StreamBounds stream, JetStreamStart start)
    {
        if (record is null)
        {
            return new QueuePosition(start == JetStreamStart.Now ? stream.LastSequence : BeforeFirst(stream), Base: 0, Lost: null);
        }

        // Who released the queue wrote down how far it was. The server's own floor may be higher without anybody having read:
        // it moves when a stream is purged.
        var floor = record.Released ? record.Floor : Math.Max(record.Floor, consumerFloor ?? 0);
        if (record.StreamCreated != stream.Created || stream.LastSequence < floor)
        {
            return new QueuePosition(
                BeforeFirst(stream),
                record.Base + (long)floor,
                new LostMessages(floor + 1, Through: null, "the JetStream stream was deleted and made anew"));
        }

        return stream.FirstSequence > floor + 1
            ? new QueuePosition(
                stream.FirstSequence - 1,
                record.Base,
                new LostMessages(floor + 1, stream.FirstSequence - 1, "the JetStream stream dropped them before they were read"))
            : new QueuePosition(floor, record.Base, Lost: null);
    }

    // An empty stream has its first sequence one past its last.
    private static ulong BeforeFirst(StreamBounds stream) => stream.FirstSequence == 0 ? 0 : stream.FirstSequence - 1;
}

/// <summary>Messages that were never delivered and cannot be any more.</summary>
/// <param name="From">The first of them, by sequence.</param>
/// <param name="Through">The last of them; null when nobody knows where the stream had ended.</param>
/// <param name="Reason">What became of them.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.Adapters.Nats.LostMessages")]
public sealed record LostMessages([property: Id(0)] ulong From, [property: Id(1)] ulong? Through, [property: Id(2)] string Reason);
