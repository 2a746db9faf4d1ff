using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Fleet.Replication;

/// <summary>Which subjects a link uses on its two sides. <c>docs/OPERATING.md</c> lists them.</summary>
internal static class ReplicationSubjects
{
    public static IReadOnlyList<NeededSubject> OfSource(ReplicaSettings link, string inbox) =>
    [
        new(SubjectUse.Subscribe, $"{inbox}.>", "get answers"),
        .. ToPublish(JetStreamPermissions.ToRead(link.Source), $"read the stream {link.Source}"),
    ];

    public static IReadOnlyList<NeededSubject> OfTarget(ReplicaSettings link, string inbox) =>
    [
        new(SubjectUse.Subscribe, $"{inbox}.>", "get answers"),
        .. ToPublish(JetStreamPermissions.ToRead(link.Target), $"compare the stream {link.Target}"),
        .. link.Creation is null ? [] : ToPublish(JetStreamPermissions.ToMake(link.Target), $"make the stream {link.Target}"),
        ToPublish(link.GapSubject, $"append to the stream {link.Target}"),
        .. link.SubjectPrefix.Length > 0
            ? [ToPublish($"{link.SubjectPrefix}.>", $"append to the stream {link.Target}")]
            : link.Subjects.Select(subject => ToPublish(subject, $"append to the stream {link.Target}")),
    ];

    private static NeededSubject ToPublish(string subject, string purpose) => new(SubjectUse.Publish, subject, purpose);

    // Not all of it is used by every link: what is missing is told, and the link tried all the same.
    private static IEnumerable<NeededSubject> ToPublish(IEnumerable<string> subjects, string purpose) =>
        subjects.Select(subject => new NeededSubject(SubjectUse.Publish, subject, purpose, IsVital: false));
}
