using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a comparison of a target's last copies with their source said.</summary>
/// <param name="First">The sequence of the first message that was compared; 0 when none was.</param>
/// <param name="Last">The sequence of the last.</param>
/// <param name="Originals">Messages of the source between them.</param>
/// <param name="Copies">Copies of the target between them.</param>
/// <param name="Gaps">Gap records between them.</param>
/// <param name="Differences">Ranges that are not the same on both sides; the first <see cref="ReplicaComparison.DifferencesMax"/>.</param>
public sealed record ReplicaMatch(
    ulong First, ulong Last, long Originals, long Copies, long Gaps, IReadOnlyList<ReplicaDifference> Differences);

/// <param name="First">The first sequence of the range.</param>
/// <param name="Last">Its last.</param>
/// <param name="Originals">Messages of the source in it.</param>
/// <param name="Copies">Copies of the target in it.</param>
public sealed record ReplicaDifference(ulong First, ulong Last, long Originals, long Copies);

/// <summary>Compares the last copies of a target with their source, by digests of ranges of sequences.</summary>
/// <param name="settings">What is copied where.</param>
/// <param name="source">Where the source is.</param>
/// <param name="target">Where the target is.</param>
/// <param name="time">The clock.</param>
public sealed class ReplicaComparison(ReplicaSettings settings, NatsJSContext source, NatsJSContext target, TimeProvider time)
{
    /// <summary>Ranges that are named; the rest is as wrong.</summary>
    public const int DifferencesMax = 20;

    /// <summary>Sequences in a range.</summary>
    private const ulong RangeSize = 100;

    private readonly ReplicaSource _source = new(source, settings, time);

    /// <summary>Compares the target's last messages, of the source's present incarnation.</summary>
    /// <param name="messagesMax">How many of the target's at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ReplicaMatch> CompareAsync(int messagesMax, CancellationToken cancellationToken)
    {
        var state = await _source.GetStateAsync(cancellationToken);
        var copies = new SortedDictionary<ulong, RangeDigest>();
        var (incarnation, gaps, first, last) = ("", 0L, 0UL, 0UL);
        var held = (await target.GetStreamAsync(settings.Target, cancellationToken: cancellationToken)).Info.State;
        var begin = held.LastSeq > (ulong)messagesMax ? held.LastSeq - (ulong)messagesMax + 1 : 1;
        var reader = await target.OpenReaderAsync(
            settings.Target,
            from => (from.DeliverPolicy, from.OptStartSeq) = (ConsumerConfigDeliverPolicy.ByStartSequence, begin),
            cancellationToken);
        await foreach (var copy in reader.ReadToEndAsync(cancellationToken))
        {
            if (CursorOf(copy.Headers) is not { } cursor || !cursor.IsOf(state.Created) || cursor.Sequence < state.First)
            {
                continue;
            }

            if (cursor.Incarnation != incarnation)
            {
                // The server has lost what was copied before, and counts again.
                copies.Clear();
                (incarnation, gaps, first) = (cursor.Incarnation, 0, 0);
            }

            if (copy.Headers!.ContainsKey(ReplicaHeaders.Gap))
            {
                gaps++;
                continue;
            }

            first = first == 0 ? cursor.Sequence : first;
            last = cursor.Sequence;
            Of(copies, last).Add(
                last, settings.OriginalOf(copy.Subject), ReplicaHeaders.OriginalOf(copy.Headers), copy.Data);
        }

        var originals = await ReadSourceAsync(first, last, cancellationToken);
        return new ReplicaMatch(
            first,
            last,
            originals.Values.Sum(range => range.Count),
            copies.Values.Sum(range => range.Count),
            gaps,
            [.. Differences(originals, copies, first, last).Take(DifferencesMax)]);
    }

    private async Task<SortedDictionary<ulong, RangeDigest>> ReadSourceAsync(ulong first, ulong last, CancellationToken cancellationToken)
    {
        var originals = new SortedDictionary<ulong, RangeDigest>();
        if (first == 0)
        {
            return originals;
        }

        var reader = await _source.OpenAsync(first, cancellationToken);
        await foreach (var message in reader.ReadToEndAsync(cancellationToken))
        {
            if (message.Metadata?.Sequence.Stream is not { } sequence || sequence > last)
            {
                break;
            }

            var headers = (message.Headers ?? []).Select(header => KeyValuePair.Create(header.Key, header.Value.ToString()));
            Of(originals, sequence).Add(sequence, message.Subject, headers, message.Data);
        }

        return originals;
    }

    private ReplicaCursor? CursorOf(NatsHeaders? headers) =>
        headers?.TryGetValue(ReplicaHeaders.Source, out var header) == true
        && ReplicaCursor.ReadOrNull(header.ToString()) is { } found && found.Link == settings.Name ? found.Cursor : null;

    private static IEnumerable<ReplicaDifference> Differences(
        SortedDictionary<ulong, RangeDigest> originals, SortedDictionary<ulong, RangeDigest> copies, ulong first, ulong last) =>
        from range in originals.Keys.Union(copies.Keys).Order()
        let original = originals.GetValueOrDefault(range)
        let copy = copies.GetValueOrDefault(range)
        where original?.Value != copy?.Value
        select new ReplicaDifference(
            Math.Max(first, range * RangeSize),
            Math.Min(last, ((range + 1) * RangeSize) - 1),
            original?.Count ?? 0,
            copy?.Count ?? 0);

    private static RangeDigest Of(SortedDictionary<ulong, RangeDigest> ranges, ulong sequence)
    {
        if (!ranges.TryGetValue(sequence / RangeSize, out var range))
        {
            ranges[sequence / RangeSize] = range = new RangeDigest();
        }

        return range;
    }

    /// <summary>What a range holds, as one digest that each message changes.</summary>
    private sealed class RangeDigest
    {
        private byte[] _hash = [];

        public long Count { get; private set; }

        public string Value => Convert.ToHexStringLower(_hash);

        public void Add(ulong sequence, string subject, IEnumerable<KeyValuePair<string, string>> headers, byte[]? content)
        {
            // Lines: neither names nor values of headers hold any.
            var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"{sequence} {subject}");
            foreach (var (name, value) in headers.OrderBy(header => header.Key, StringComparer.Ordinal))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{name}:{value}");
            }

            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(_hash);
            hash.AppendData(Encoding.UTF8.GetBytes(text.AppendLine().ToString()));
            hash.AppendData(content ?? []);
            _hash = hash.GetHashAndReset();
            Count++;
        }
    }
}
