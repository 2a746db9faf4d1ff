using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>What is copied where, and how.</summary>
/// <param name="Name">The link's name, without spaces: by it a target's copies are known. Only letters, digits and '-'.</param>
/// <param name="Replicator">Who copies, without spaces: for readers.</param>
/// <param name="Source">The JetStream stream that is followed.</param>
/// <param name="Target">The JetStream stream that is appended to: of this link alone.</param>
public sealed record ReplicaSettings(string Name, string Replicator, string Source, string Target)
{
    /// <summary>The subjects that are copied; all when empty. Servers before 2.10 take one at most.</summary>
    public IReadOnlyList<string> Subjects { get; init; } = [];

    /// <summary>What a copy's subject has before the original's; nothing when empty.</summary>
    public string SubjectPrefix { get; init; } = "";

    /// <summary>Where it begins. With all that there is by default.</summary>
    public ReplicaStart Start { get; init; } = new ReplicaStart.All();

    /// <summary>Publishes that may wait for their acknowledgement at once. 1 or more; 1024 by default.</summary>
    public int WindowMessagesMax { get; init; } = 1024;

    /// <summary>The bytes of those; one message alone may be larger. 8 MiB by default.</summary>
    public int WindowBytesMax { get; init; } = 8 << 20;

    /// <summary>How the target is made when it is missing; null when it is not made.</summary>
    public StreamConfig? Creation { get; init; }

    /// <summary>
    /// Zero when the next message may go now, which is then counted; else how long it has to wait. Null when none has to.
    /// </summary>
    public Func<TimeSpan>? Admit { get; init; }

    /// <summary>Where gap records go.</summary>
    public string GapSubject => SubjectOf($"controlplane.replication.gap.{Name}");

    /// <summary>A copy's subject.</summary>
    public string SubjectOf(string original) => SubjectPrefix.Length == 0 ? original : $"{SubjectPrefix}.{original}";

    /// <summary>The original's subject of a copy.</summary>
    public string OriginalOf(string copied) => SubjectPrefix.Length == 0 ? copied : copied[(SubjectPrefix.Length + 1)..];
}
