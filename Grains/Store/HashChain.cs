using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Store;

/// <summary>Records as a chain: each says its sequence and the hash of the one before it. Pure.</summary>
/// <remarks>
/// Who can write the store can write a new chain as well. What a chain makes impossible is to change, remove or insert a record without
/// changing every later one, so that any earlier head that was noted elsewhere (log, copy, another site) shows it.
/// </remarks>
public static class HashChain
{
    /// <summary>Lower-case hexadecimal SHA-256 of a record's text.</summary>
    public static string HashOf(string body)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(body.Length));
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, Encoding.UTF8.GetBytes(body, bytes))));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>Whether a record is the next one after a head, by what it says itself.</summary>
    public static bool Follows(ChainRecord record, ChainHead head) =>
        record.Sequence == head.Sequence + 1 && LinkOrNull(record.Body)?.Previous == head.Hash;

    /// <summary>A record as it is stored; null when its text is none.</summary>
    public static ChainRecord? ReadOrNull(string hash, string body) =>
        LinkOrNull(body) is { } link ? new ChainRecord(link.Sequence, hash, body) : null;

    /// <summary>What does not fit, in words: in the record itself, and with the one before it where that is given.</summary>
    public static IEnumerable<string> Faults(ChainRecord record, ChainHead? before)
    {
        if (HashOf(record.Body) != record.Hash)
        {
            yield return $"record {record.Sequence} was changed";
        }

        if (before is not null && record.Sequence > before.Sequence + 1)
        {
            yield return $"the records between {before.Sequence} and {record.Sequence} are missing";
        }
        else if (
            LinkOrNull(record.Body) is not { } link || link.Sequence != record.Sequence
            || (before is not null && (record.Sequence != before.Sequence + 1 || link.Previous != before.Hash)))
        {
            yield return $"record {record.Sequence} does not follow the one before it";
        }
    }

    private static Link? LinkOrNull(string body)
    {
        try
        {
            using var parsed = JsonDocument.Parse(body);
            return parsed.RootElement is { ValueKind: JsonValueKind.Object } record
                && record.TryGetProperty("sequence", out var sequence) && sequence.TryGetInt64(out var number)
                && record.TryGetProperty("previous", out var previous) && previous.GetString() is { } hash
                ? new Link(number, hash)
                : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed record Link(long Sequence, string Previous);
}

/// <summary>The last record of a chain.</summary>
/// <param name="Sequence">Its sequence; 0 when there is none.</param>
/// <param name="Hash">Its hash.</param>
public sealed record ChainHead(long Sequence, string Hash)
{
    /// <summary>Before the first record.</summary>
    public static ChainHead None { get; } = new(0, "");
}

/// <summary>A record of a chain.</summary>
/// <param name="Sequence">Its place, from 1 on.</param>
/// <param name="Hash">The hash of <paramref name="Body"/>.</param>
/// <param name="Body">JSON that says, besides all else, <c>sequence</c> and <c>previous</c>: the hash of the record before it.</param>
public sealed record ChainRecord(long Sequence, string Hash, string Body)
{
    /// <summary>What the next record follows.</summary>
    public ChainHead Head => new(Sequence, Hash);
}
