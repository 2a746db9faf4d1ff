using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>One message of a target: a copy, or the record of a gap.</summary>
/// <param name="Subject">Its subject in the target.</param>
/// <param name="Cursor">Up to where all is in the target with it.</param>
/// <param name="Headers">What it says besides.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Size">Bytes of subject, headers and content, about.</param>
/// <param name="IsGap">Whether it is the record of a gap.</param>
internal sealed record Replica(string Subject, ReplicaCursor Cursor, NatsHeaders Headers, byte[] Content, int Size, bool IsGap)
{
    private const int HeaderOverhead = 4;

    // Of the headers by which it is appended, which are there from the publish on.
    private const int AppendOverhead = 256;

    /// <summary>Its message id: the same whoever makes it, and of a gap another than of a copy.</summary>
    public string Id => IsGap ? $"{Cursor.MessageId}-gap" : Cursor.MessageId;

    public static Replica Copy(ReplicaSettings settings, ReplicaCursor cursor, string subject, NatsHeaders? headers, byte[] content) =>
        Of(settings.SubjectOf(subject), cursor, ReplicaHeaders.Of(settings, cursor, headers), content, isGap: false);

    public static Replica Record(ReplicaSettings settings, ReplicaPlan plan)
    {
        var headers = new NatsHeaders
        {
            [ReplicaHeaders.Source] = plan.After.ToHeader(settings.Name, settings.Source),
            [ReplicaHeaders.Gap] = plan.Gap!.Reason,
        };
        return Of(settings.GapSubject, plan.After, headers, plan.Gap.ToJson(), isGap: true);
    }

    private static Replica Of(string subject, ReplicaCursor cursor, NatsHeaders headers, byte[] content, bool isGap)
    {
        var size = subject.Length + content.Length + AppendOverhead
            + headers.Sum(header => header.Key.Length + header.Value.Sum(value => (value?.Length ?? 0) + HeaderOverhead));
        return new Replica(subject, cursor, headers, content, size, isGap);
    }
}
