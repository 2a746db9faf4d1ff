namespace ControlPlane.Store;

/// <summary>An append-only log on the brokers of this overlay. Registered as keyed services: the keys are <see cref="Logs"/>.</summary>
/// <remarks>
/// Thread-safe. An acknowledged record survives the crash of every process, brokers included. The loss of a machine, or of its power, it
/// survives only where the log has replicas (<c>Fleet:StateReplicas</c>) or the broker syncs each write (<c>sync_interval: always</c>):
/// JetStream syncs every two minutes by default. Who must not lose a record keeps it elsewhere until that is enough for him.
/// </remarks>
/// <exception cref="StoreUnavailableException">The brokers do not do it now; it may have been done.</exception>
public interface ILog
{
    /// <summary>Appends a record at the end of its topic; when it returns, the brokers have stored it.</summary>
    /// <remarks>
    /// With an id it is safe to repeat for two minutes; with an expected position too, for as long as no other record follows in its topic.
    /// </remarks>
    /// <param name="record">What is appended.</param>
    /// <param name="expected">The position of the topic's last record, 0 when it has none; null whatever it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its position, or that of the record that was stored under its id before.</returns>
    /// <exception cref="StoreConflictException">The topic ends with another record than expected. Nothing was stored.</exception>
    /// <exception cref="ArgumentException">It is more than a record may hold.</exception>
    Task<ulong> AppendAsync(LogRecord record, ulong? expected, CancellationToken cancellationToken);

    /// <summary>The last record of a topic; null when it has none.</summary>
    Task<LogItem.Entry?> FindLastAsync(string topic, CancellationToken cancellationToken);

    /// <summary>A topic's records after a position, oldest first, to the end as it is when it gets there.</summary>
    /// <remarks>A gap is said where it begins: before the oldest record, records of any topic are gone.</remarks>
    IAsyncEnumerable<LogItem> ReadAsync(string topic, ulong after, CancellationToken cancellationToken);

    /// <summary>All records after a position, in order, and then each that comes. It ends by failing: go on after the last.</summary>
    /// <remarks>Every position after the first is a record or within a gap, so that none is missed in silence.</remarks>
    IAsyncEnumerable<LogItem> FollowAsync(ulong after, CancellationToken cancellationToken);

    /// <summary>What it holds.</summary>
    Task<LogPositions> GetPositionsAsync(CancellationToken cancellationToken);
}

/// <summary>The logs of an overlay. How long each keeps what is in it is said where its stream is made.</summary>
public static class Logs
{
    /// <summary>How nodes stand after each change; the topics are slices.</summary>
    public const string Changes = "changes";

    /// <summary>Nodes that are new, late, lost or back, in the form of Choria's age advisories; the topics are its events.</summary>
    public const string Advisories = "advisories";

    /// <summary>Every write of the certificate ledgers; the topics are an issuer's shards.</summary>
    public const string Certificates = "certificates";

    /// <summary>Every call that was to change something, and what came of it; the topics are silos, and checkpoints.</summary>
    public const string Audit = "audit";

    /// <summary>What came of jobs at their targets; the topics are a job's parts in overlays.</summary>
    public const string Jobs = "jobs";
}

/// <summary>One record of a log.</summary>
/// <param name="Topic">What it is about: records of one topic are in order, and can be read apart. Any text.</param>
/// <param name="Id">Its name: within two minutes, a record is stored once under it. Null when each append is one more.</param>
/// <param name="Content">What it says, at most <see cref="StoreLimits.ContentBytesMax"/>.</param>
public sealed record LogRecord(string Topic, string? Id, ReadOnlyMemory<byte> Content);

/// <summary>What a reader of a log meets.</summary>
public abstract record LogItem
{
    /// <param name="Position">Where it lies: grows with every record of the log, of whatever topic.</param>
    /// <param name="Record">As it was appended.</param>
    public sealed record Entry(ulong Position, LogRecord Record) : LogItem;

    /// <summary>The positions between the two hold nothing (any more).</summary>
    /// <param name="After">Where the reader was.</param>
    /// <param name="Next">Where it goes on; not beyond <paramref name="After"/> when the log was lost and begun anew.</param>
    public sealed record Gap(ulong After, ulong Next) : LogItem;
}

/// <param name="First">The position of the oldest record; one beyond <paramref name="Last"/> when there is none.</param>
/// <param name="Last">The position of the newest record that there ever was; 0 when there was none.</param>
public sealed record LogPositions(ulong First, ulong Last);
