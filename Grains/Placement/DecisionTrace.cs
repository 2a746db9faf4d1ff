using System.Buffers;

namespace ControlPlane.Placement;

/// <summary>A decision's explanation in a few dozen bytes, kept with each node.</summary>
/// <remarks>
/// Layout: format 1, policy version, ledger sequence, the overlay's number + 1 (0: none), flags, the number of overlays looked at,
/// then the rejected ones by rule (rule, count, then number, found, limit of each), then the candidates (number, score × 100).
/// All are variable-length integers, so a million traces fit in memory.
/// </remarks>
internal static class DecisionTrace
{
    private const int Format = 1;
    private const int QuarantineFlag = 1;

    // More than these reject the overlays of one region hardly ever; then the tables are taken from the heap.
    private const int RulesOnStack = 32;

    public static byte[] Encode(Decision decision, long sequence)
    {
        var writer = new TraceWriter(stackalloc byte[256]);
        writer.Write(Format);
        writer.Write(decision.Situation.Policy.Version);
        writer.Write(sequence);
        writer.Write((decision.Overlay?.Number ?? -1) + 1);
        writer.Write(decision.IsQuarantine ? QuarantineFlag : 0);
        WriteRejected(ref writer, decision.Considered);
        writer.Write(decision.Candidates);
        foreach (var candidate in decision.Considered)
        {
            if (candidate.By is null)
            {
                writer.Write(candidate.Overlay.Number);
                writer.WriteSigned((long)Math.Round(candidate.Total * 100));
            }
        }

        return writer.ToArray();
    }

    public static DecisionRecord? Decode(ReadOnlySpan<byte> trace)
    {
        if (trace.IsEmpty)
        {
            return null;
        }

        var reader = new TraceReader(trace);
        if (reader.Read() != Format)
        {
            return null;
        }

        var (version, sequence, overlay, flags) = ((int)reader.Read(), reader.Read(), (int)reader.Read() - 1, reader.Read());
        var rejected = new List<RejectedOverlay>();
        for (var rules = reader.Read(); rules > 0; rules--)
        {
            var rule = (int)reader.Read();
            var isShort = reader.Read() == 1;
            for (var count = reader.Read(); count > 0; count--)
            {
                var number = (int)reader.Read();
                rejected.Add(new RejectedOverlay(number, isShort ? new Rejection(rule, 0, 0)
                    : new Rejection(rule, (int)reader.Read(), (int)reader.Read())));
            }
        }

        var candidates = new List<CandidateOverlay>();
        for (var count = reader.Read(); count > 0; count--)
        {
            candidates.Add(new CandidateOverlay((int)reader.Read(), reader.ReadSigned() / 100.0));
        }

        return new DecisionRecord(version, sequence, overlay, (flags & QuarantineFlag) != 0, rejected, candidates);
    }

    private static void WriteRejected(ref TraceWriter writer, Considered[] considered)
    {
        var most = considered.Length;
        var rules = most <= RulesOnStack ? stackalloc int[RulesOnStack] : new int[most];
        var counts = most <= RulesOnStack ? stackalloc int[RulesOnStack] : new int[most];
        var haveFigures = most <= RulesOnStack ? stackalloc bool[RulesOnStack] : new bool[most];
        var count = 0;
        foreach (ref readonly var overlay in considered.AsSpan())
        {
            if (overlay.By is not { } by)
            {
                continue;
            }

            var at = rules[..count].IndexOf(by.Rule);
            if (at < 0)
            {
                at = count++;
                rules[at] = by.Rule;
            }

            counts[at]++;
            haveFigures[at] |= by.Found != 0 || by.Limit != 0;
        }

        writer.Write(count);
        for (var at = 0; at < count; at++)
        {
            writer.Write(rules[at]);
            writer.Write(haveFigures[at] ? 0 : 1);
            writer.Write(counts[at]);
            foreach (ref readonly var overlay in considered.AsSpan())
            {
                if (overlay.By is { } by && by.Rule == rules[at])
                {
                    writer.Write(overlay.Overlay.Number);
                    if (haveFigures[at])
                    {
                        writer.Write(by.Found);
                        writer.Write(by.Limit);
                    }
                }
            }
        }
    }

    private ref struct TraceWriter(Span<byte> start)
    {
        private Span<byte> buffer = start;
        private int length;

        public void Write(long value)
        {
            var rest = (ulong)value;
            while (rest >= 0x80)
            {
                Put((byte)(rest | 0x80));
                rest >>= 7;
            }

            Put((byte)rest);
        }

        public void WriteSigned(long value) => Write((value << 1) ^ (value >> 63));

        public readonly byte[] ToArray() => buffer[..length].ToArray();

        private void Put(byte value)
        {
            if (length == buffer.Length)
            {
                var larger = new byte[buffer.Length * 2];
                buffer.CopyTo(larger);
                buffer = larger;
            }

            buffer[length++] = value;
        }
    }

    private ref struct TraceReader(ReadOnlySpan<byte> trace)
    {
        private readonly ReadOnlySpan<byte> bytes = trace;
        private int at;

        public long Read()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                var next = bytes[at++];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    break;
                }
            }

            return (long)value;
        }

        public long ReadSigned()
        {
            var value = Read();
            return (long)((ulong)value >> 1) ^ -(value & 1);
        }
    }
}

/// <summary>A decision as its trace holds it: overlays by number, rules by code of that policy version.</summary>
internal sealed record DecisionRecord(
    int PolicyVersion,
    long Sequence,
    int Overlay,
    bool IsQuarantine,
    IReadOnlyList<RejectedOverlay> Rejected,
    IReadOnlyList<CandidateOverlay> Candidates);

internal readonly record struct RejectedOverlay(int Number, Rejection By);

internal readonly record struct CandidateOverlay(int Number, double Score);
