
using ControlPlane.Api;

namespace ControlPlane.Nodes;

/// <summary>The nodes of one slice after an identity, in order, at most so many.</summary>
internal delegate Task<IReadOnlyList<RosterEntry>> SliceList(int number, string? after, int limit);

/// <summary>One ordered list out of the roster's slices, each of which is in order.</summary>
internal static class RosterPages
{
    /// <summary>Identities are spread evenly, so a slice seldom gives more than this many times its share of a page.</summary>
    private const int ShareFactor = 2;

    private const int ChunkMin = 8;

    public static Task<NodePage> ReadAsync(
        IGrainFactory grains, NodeStage? stage, string? after, int limit, CancellationToken cancellationToken) =>
        ReadAsync(
            (slice, from, most) => grains.GetSlice(slice).List(stage, from, most), after, limit, cancellationToken);

    /// <summary>Merges what slices list: a slice's nodes after an identity, in order, at most so many.</summary>
    public static async Task<NodePage> ReadAsync(SliceList list, string? after, int limit, CancellationToken cancellationToken)
    {
        // One more than asked for tells whether there is a next page.
        var chunk = Math.Min(limit + 1, ChunkMin + (limit * ShareFactor / FleetSlices.Count));
        var slices = Enumerable.Range(0, FleetSlices.Count)
            .Select(number => new Slice(number, list, after, chunk))
            .ToList();

        var heads = new PriorityQueue<Slice, string>(StringComparer.Ordinal);
        await Task.WhenAll(slices.Select(slice => slice.FillAsync()));
        slices.ForEach(slice => Requeue(heads, slice));

        var nodes = new List<RosterEntry>(limit);
        while (nodes.Count < limit && heads.TryDequeue(out var slice, out _))
        {
            cancellationToken.ThrowIfCancellationRequested();
            nodes.Add(slice.Take());
            if (slice.Head is null)
            {
                await slice.FillAsync();
            }

            Requeue(heads, slice);
        }

        return new NodePage(nodes, heads.Count > 0 ? PageCursor.Write(nodes[^1].Identity) : null);
    }

    private static void Requeue(PriorityQueue<Slice, string> heads, Slice slice)
    {
        if (slice.Head is { } head)
        {
            heads.Enqueue(slice, head.Identity);
        }
    }

    /// <summary>What is left of one slice, read a chunk at a time.</summary>
    private sealed class Slice(int number, SliceList list, string? after, int chunk)
    {
        private IReadOnlyList<RosterEntry> _read = [];
        private string? _after = after;
        private int _taken;
        private bool _exhausted;

        public RosterEntry? Head => _taken < _read.Count ? _read[_taken] : null;

        public RosterEntry Take()
        {
            var entry = _read[_taken++];
            _after = entry.Identity;
            return entry;
        }

        public async Task FillAsync()
        {
            if (_exhausted)
            {
                return;
            }

            _read = await list(number, _after, chunk);
            _taken = 0;
            _exhausted = _read.Count < chunk;
        }
    }
}
