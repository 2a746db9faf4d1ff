using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Nodes;
using ControlPlane.Store;

namespace ControlPlane.Certificates;

/// <summary>A ledger's history as a chain (<see cref="HashChain"/>), one for each shard. Pure.</summary>
public static class LedgerChain
{
    /// <summary>
    /// How many records of a shard are kept at least; older ones may be dropped from the far end. Half a million for an issuer.
    /// </summary>
    public const int KeptMin = 16_384;

    /// <summary>
    /// How many records of a shard wait at most for the log, with those that wait until it has them for certain; then nothing is written.
    /// Half a million for an issuer: some 40 minutes of a storm of 4,000 orders a minute.
    /// </summary>
    public const int OutboxMax = 16_384;

    /// <summary>So much of it is not for new orders: those that a CA is asked for can still be recorded, and closed.</summary>
    public const int OutboxReserve = 1_024;

    /// <summary>The record of a write that is made now.</summary>
    public static LedgerRecord Next(LedgerHead head, LedgerEntry entry, DateTimeOffset at)
    {
        var sequence = head.Sequence + 1;
        var certificate = entry.Certificate;
        var body = JsonSerializer.Serialize(
            new LedgerRecordBody
            {
                Sequence = sequence,
                Previous = head.Hash,
                At = at,
                Order = entry.OrderId,
                Version = entry.Version + 1,
                Node = entry.Identity,
                State = entry.State.ToString(),
                Issuer = certificate?.Issuer ?? entry.AskedIssuer,
                Request = entry.RequestDigest,
                Serial = certificate?.SerialNumber,
                Key = certificate?.PublicKeyFingerprint,
                Certificate = certificate?.CertificateFingerprint(),
                NotAfter = certificate?.NotAfter,
                Refusal = entry.Refusal?.ToString(),
                Revocation = entry.RevocationReason?.ToString(),
                Detail = entry.Detail,
            },
            LedgerRecordJson.Plain.LedgerRecordBody);
        return new LedgerRecord(sequence, HashChain.HashOf(body), body);
    }

    /// <summary>Everything that does not fit together in a run of records, each in words; empty when nothing.</summary>
    /// <param name="records">In the order in which they are stored.</param>
    /// <param name="after">The sequence that the run begins after; 0 for the beginning.</param>
    /// <param name="head">The last record, as it is kept apart.</param>
    /// <param name="complete">Whether the run goes to the end.</param>
    public static IReadOnlyList<string> Faults(IReadOnlyList<LedgerRecord> records, long after, LedgerHead head, bool complete)
    {
        var faults = new List<string>();
        if (records.Count > 0 && after == 0 && records[0].Sequence > 1 && head.Sequence - records[0].Sequence + 1 < KeptMin)
        {
            faults.Add($"the records before {records[0].Sequence} are missing");
        }

        for (var index = 0; index < records.Count; index++)
        {
            faults.AddRange(HashChain.Faults(LinkOf(records[index]), index > 0 ? LinkOf(records[index - 1]).Head : null));
        }

        if (complete && (records.Count > 0 ? records[^1].Sequence : after) < head.Sequence)
        {
            faults.Add($"the records after {(records.Count > 0 ? records[^1].Sequence : after)} are missing: the last is {head.Sequence}");
        }
        else if (records.Count > 0 && records[^1].Sequence == head.Sequence && records[^1].Hash != head.Hash)
        {
            faults.Add($"record {head.Sequence} is not the one that was written last");
        }

        return faults;
    }

    /// <summary>Whether a record is the next one after a head, by what it says itself.</summary>
    internal static bool Follows(LedgerRecord record, LedgerHead head) =>
        HashChain.Follows(LinkOf(record), new ChainHead(head.Sequence, head.Hash));

    /// <summary>A record as it is stored elsewhere; null when it is none.</summary>
    internal static LedgerRecord? ReadOrNull(string hash, string body) =>
        HashChain.ReadOrNull(hash, body) is { } read ? new LedgerRecord(read.Sequence, hash, body) : null;

    private static ChainRecord LinkOf(LedgerRecord record) => new(record.Sequence, record.Hash, record.Body);
}

/// <summary>What a record says, by the names that are stored. Holds no request and no chain: those are the order's.</summary>
internal sealed record LedgerRecordBody
{
    public required long Sequence { get; init; }

    public required string Previous { get; init; }

    public required DateTimeOffset At { get; init; }

    public required string Order { get; init; }

    public required long Version { get; init; }

    public required string Node { get; init; }

    public required string State { get; init; }

    public string? Issuer { get; init; }

    public string? Request { get; init; }

    public string? Serial { get; init; }

    public string? Key { get; init; }

    public string? Certificate { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    public string? Refusal { get; init; }

    public string? Revocation { get; init; }

    public string? Detail { get; init; }
}

[JsonSerializable(typeof(LedgerRecordBody))]
internal sealed partial class LedgerRecordJson : JsonSerializerContext
{
    /// <summary>Signs as signs: what an auditor reads is what was hashed.</summary>
    public static LedgerRecordJson Plain { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    });
}
