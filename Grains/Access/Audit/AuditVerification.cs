using ControlPlane.Store;

namespace ControlPlane.Access;

/// <summary>
/// Finds what was changed, removed, inserted or put in another order in an audit log, or cut off its end. Reads it once, from its
/// beginning or from where it is no longer kept, in its order.
/// </summary>
/// <param name="isSigned">Whether a signature over bytes is of an Ed25519 key; key and signature in hexadecimal.</param>
/// <param name="trustedKeys">The keys that may have signed; none when any may.</param>
public sealed class AuditVerification(Func<string, byte[], string, bool> isSigned, IReadOnlyCollection<string> trustedKeys)
{
    /// <summary>A log whose last checkpoint is older lost its end, or its silos are away.</summary>
    public static readonly TimeSpan SilenceMax = TimeSpan.FromMinutes(5);

    /// <summary>How far the clocks of silos may differ.</summary>
    private static readonly TimeSpan ClocksMax = TimeSpan.FromMinutes(5);

    /// <summary>More than these are not told: a broken log is broken.</summary>
    private const int FaultsMax = 1_000;

    private readonly Dictionary<string, ReadChain> chains = new(StringComparer.Ordinal);
    private readonly List<string> faults = [];
    private readonly SortedSet<string> keys = new(StringComparer.Ordinal);
    private ChainHead? lastCheckpoint;
    private AuditCheckpoint? last;
    private DateTimeOffset? oldest;
    private ulong position;
    private long records;
    private long unsigned;

    /// <summary>Reads the next line of a log.</summary>
    public void Add(AuditLine line)
    {
        if (position > 0 && line.Position != position && line.Position != position + 1)
        {
            Say(line.Position > position
                ? $"the log holds nothing between {position} and {line.Position}"
                : $"the log goes on at {line.Position} after {position}");
        }

        position = line.Position;
        if (HashChain.ReadOrNull(line.Hash, line.Body) is not { } record)
        {
            Say($"{line.Topic}: what is at {line.Position} of the log is no record");
        }
        else if (line.Topic == AuditTopics.Checkpoints)
        {
            AddCheckpoint(record);
        }
        else if (AuditTopics.ChainOrNull(line.Topic) is { } chain)
        {
            AddRecord(chain, record);
        }
        else
        {
            Say($"{line.Topic}: a record that belongs to no chain");
        }
    }

    /// <summary>A line that is none.</summary>
    public void AddUnreadable(string where) => Say($"{where} cannot be read");

    /// <summary>What was found.</summary>
    /// <param name="now">When the log was read to its end; null for a copy, whose end may be old.</param>
    public AuditFindings Finish(DateTimeOffset? now)
    {
        var end = faults.ToList();
        if (now is { } instant && records > 0 && (last is null || instant - last.At > SilenceMax))
        {
            end.Add(last is null
                ? "there is no checkpoint: the end may have been cut off"
                : $"the last checkpoint is of {last.At:O}: the end may have been cut off, or no silo runs");
        }

        var uncovered = chains.Sum(
            chain => chain.Value.Last.Sequence - (last?.Heads.FirstOrDefault(head => head.Chain == chain.Key)?.Sequence ?? 0));
        return new AuditFindings(
            end,
            records,
            [.. chains.Keys.Order(StringComparer.Ordinal)],
            last?.Sequence,
            last?.At,
            [.. keys],
            unsigned,
            Math.Max(0, uncovered));
    }

    private void AddRecord(string name, ChainRecord record)
    {
        records++;
        var read = AuditRecord.ReadOrNull(record.Body);
        oldest ??= read?.At;
        chains.TryGetValue(name, out var chain);
        foreach (var fault in HashChain.Faults(record, chain?.Last))
        {
            Say($"{name}: {fault}");
        }

        if (read is not null && read.Chain != name)
        {
            Say($"{name}: record {record.Sequence} is of the chain of {read.Chain}");
        }

        chain ??= chains[name] = new ReadChain();
        chain.Last = record.Head;
        chain.Hashes[record.Sequence] = record.Hash;
    }

    private void AddCheckpoint(ChainRecord record)
    {
        foreach (var fault in HashChain.Faults(record, lastCheckpoint))
        {
            Say($"checkpoints: {fault}");
        }

        lastCheckpoint = record.Head;
        if (AuditCheckpoint.ReadOrNull(record.Body) is not { } checkpoint)
        {
            Say($"checkpoints: record {record.Sequence} cannot be read");
            return;
        }

        CheckSignature(checkpoint);
        foreach (var head in checkpoint.Heads)
        {
            CheckHead(checkpoint, head);
        }

        last = checkpoint;
    }

    private void CheckSignature(AuditCheckpoint checkpoint)
    {
        if (checkpoint.Key is not { } key || checkpoint.Signature is not { } signature)
        {
            unsigned++;
            if (keys.Count > 0 || trustedKeys.Count > 0)
            {
                Say($"checkpoints: record {checkpoint.Sequence} is not signed");
            }

            return;
        }

        keys.Add(key);
        if (!isSigned(key, checkpoint.Statement, signature))
        {
            Say($"checkpoints: the signature of record {checkpoint.Sequence} is wrong");
        }
        else if (trustedKeys.Count > 0 && !trustedKeys.Contains(key, StringComparer.OrdinalIgnoreCase))
        {
            Say($"checkpoints: record {checkpoint.Sequence} is signed by a key that is not trusted, {key}");
        }
    }

    // A silo says what its chain came to after the log had it: what it names lies before it, unless it is no longer kept.
    private void CheckHead(AuditCheckpoint checkpoint, AuditHead head)
    {
        if (!chains.TryGetValue(head.Chain, out var chain))
        {
            if (oldest is { } begin && head.LastAt - begin > ClocksMax)
            {
                Say($"{head.Chain}: its records up to {head.Sequence} are missing, which checkpoint {checkpoint.Sequence} names");
            }

            return;
        }

        if (head.Sequence > chain.Last.Sequence)
        {
            Say($"{head.Chain}: the end is cut off after {chain.Last.Sequence}: checkpoint {checkpoint.Sequence} names {head.Sequence}");
        }
        else if (chain.Hashes.TryGetValue(head.Sequence, out var hash) && hash != head.Hash)
        {
            Say($"{head.Chain}: record {head.Sequence} is not the one that checkpoint {checkpoint.Sequence} names");
        }

        if (head.Chain == checkpoint.By)
        {
            chain.Forget(head.Sequence);
        }
    }

    private void Say(string fault)
    {
        if (faults.Count < FaultsMax)
        {
            faults.Add(fault);
        }
    }

    private sealed class ReadChain
    {
        /// <summary>Those that no checkpoint has named yet, and the last that one did.</summary>
        public SortedDictionary<long, string> Hashes { get; } = [];

        public ChainHead Last { get; set; } = ChainHead.None;

        public void Forget(long through)
        {
            while (Hashes.Count > 0 && Hashes.First().Key < through)
            {
                Hashes.Remove(Hashes.First().Key);
            }
        }
    }
}

/// <summary>What a verification found.</summary>
/// <param name="Faults">What does not fit, in words; none when nothing.</param>
/// <param name="Records">How many records were read.</param>
/// <param name="Chains">The silos whose they are.</param>
/// <param name="Checkpoint">The sequence of the last checkpoint.</param>
/// <param name="CheckpointAt">Its time: what is older cannot have been cut off.</param>
/// <param name="Keys">The keys that signed; compare them with the site's.</param>
/// <param name="Unsigned">How many checkpoints nobody signed.</param>
/// <param name="Uncovered">How many records came after the last checkpoint.</param>
public sealed record AuditFindings(
    IReadOnlyList<string> Faults,
    long Records,
    IReadOnlyList<string> Chains,
    long? Checkpoint,
    DateTimeOffset? CheckpointAt,
    IReadOnlyList<string> Keys,
    long Unsigned,
    long Uncovered);
