using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Fleet.Replication;

/// <summary>Which subjects a link uses on its two sides. <c>docs/OPERATING.md</c> lists them.</summary>
internal static class ReplicationSubjects
{
    public static IReadOnlyList<NeededSubject> OfSource(ReplicaSettings link, string inbox) =>
    [
        new(SubjectUse.Subscribe, $"{inbox}.>", "get answers"),
        .. JetStreamPermissions.ToRead(link.Source).Select(subject => ToPublish(subject, $"read the stream {link.Source}", isVital: false)),
    ];

    public static IReadOnlyList<NeededSubject> OfTarget(ReplicaSettings link, string inbox) =>
    [
        new(SubjectUse.Subscribe, $"{inbox}.>", "get answers"),
        .. JetStreamPermissions.ToRead(link.Target).Select(subject => ToPublish(subject, $"compare the stream {link.Target}", isVital: false)),
        .. link.Creation is null
            ? []
            : JetStreamPermissions.ToMake(link.Target).Select(subject => ToPublish(subject, $"make the stream {link.Target}", isVital: false)),
        ToPublish(link.GapSubject, $"append to the stream {link.Target}"),
        .. link.SubjectPrefix.Length > 0
            ? [ToPublish($"{link.SubjectPrefix}.>", $"append to the stream {link.Target}")]
            : link.Subjects.Select(subject => ToPublish(subject, $"append to the stream {link.Target}")),
    ];

    private static NeededSubject ToPublish(string subject, string purpose, bool isVital = true) =>
        new(SubjectUse.Publish, subject, purpose, isVital);
}
