using System.Text.Json;
using ControlPlane.Filters;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>The nodes of one slice in memory, ready to be searched. No clock, no I/O.</summary>
/// <remarks>
/// A fact costs a node eight bytes: the numbers of its path and of its value, both stored once for all nodes that share them. A comparison
/// is made once for each distinct value, not for each node; finding a node's value is a binary search among its paths.
/// </remarks>
internal sealed class NodeIndex(int factsPerNodeMax)
{
    private readonly SortedDictionary<string, Row> rows = new(StringComparer.Ordinal);
    private readonly InternTable<string> paths = new(StringComparer.Ordinal);
    private readonly InternTable<FactValue> values = new();
    private readonly InternTable<string> names = new(StringComparer.Ordinal);

    /// <summary>Nodes that are known.</summary>
    public int Count => rows.Count;

    /// <summary>Facts of all nodes.</summary>
    public long Facts { get; private set; }

    /// <summary>Distinct values of facts.</summary>
    public int Values => values.Count;

    /// <summary>The digest of what a node said of itself; null when it said nothing.</summary>
    public string? DigestOf(string identity) => rows.GetValueOrDefault(identity)?.Digest;

    public RosterEntry? EntryOf(string identity) => rows.GetValueOrDefault(identity)?.Entry;

    /// <summary>What is to be kept of what a node says; null when what it said before says more.</summary>
    /// <remarks>
    /// While it enrols a node knows less of itself than when it registers. What it registered stays until it registers again, with its own
    /// source and time, from which its age is read.
    /// </remarks>
    public NodeInventory? Merge(NodeInventory said) => rows.GetValueOrDefault(said.Identity) switch
    {
        null => said,
        var known when known.Source > said.Source => null,

        // A file says nothing of classes and agents; what the node said of those stays.
        var known when said.Source == InventorySource.RegisteredFile => said with
        {
            Classes = [.. known.Classes.Select(number => names[number])],
            Agents = [.. known.Agents.Select(number => names[number])],
            Version = known.RunningVersion,
        },
        _ => said,
    };

    /// <summary>Takes over how a node stands. Returns whether that says anything new.</summary>
    public bool Stand(RosterEntry entry)
    {
        if (entry is { Stage: NodeStage.Unknown, Liveness: NodeLiveness.Unknown })
        {
            if (rows.TryGetValue(entry.Identity, out var forgotten))
            {
                Forget(forgotten);
                rows.Remove(entry.Identity);
            }

            return false;
        }

        var row = RowOf(entry.Identity);
        var isNew = row.Entry is not { } before || before with { DueAt = entry.DueAt, Since = entry.Since } != entry;
        row.Entry = entry;
        return isNew;
    }

    /// <summary>Takes over what a node says of itself, in place of what it said before.</summary>
    public void Learn(NodeInventory inventory)
    {
        var row = RowOf(inventory.Identity);
        Forget(row);
        row.Digest = inventory.Digest;
        row.Source = inventory.Source;
        row.Version = inventory.Version;
        row.Classes = UseAll(inventory.Classes);
        row.Agents = UseAll(inventory.Agents);

        var leaves = new List<(string Path, FactValue Value)>();
        using (var facts = JsonDocument.Parse(inventory.FactsJson))
        {
            FactPath.Flatten(facts.RootElement, factsPerNodeMax, leaves);
        }

        var numbered = leaves.Select(leaf => (Path: paths.Use(leaf.Path), Value: values.Use(leaf.Value))).ToArray();
        Array.Sort(numbered, static (one, other) => one.Path.CompareTo(other.Path));
        row.Paths = Array.ConvertAll(numbered, one => one.Path);
        row.Facts = Array.ConvertAll(numbered, one => one.Value);
        Facts += row.Paths.Length;
    }

    /// <summary>The nodes that match, in order of identity.</summary>
    public IEnumerable<RosterEntry> Select(NodeSelection selection)
    {
        var filter = selection.Filter is { } expression ? Compile(expression) : static _ => true;
        foreach (var (_, row) in rows)
        {
            if (row.Entry is { } entry && selection.Includes(entry, row.RunningVersion) && filter(row))
            {
                yield return entry;
            }
        }
    }

    /// <summary>How many of the nodes that match have which value at a path, and how many have none.</summary>
    public (IReadOnlyDictionary<FactValue, int> Counts, int Missing) CountBy(string path, NodeSelection selection)
    {
        var wanted = paths.Find(path);
        var counts = new Dictionary<int, int>();
        var missing = 0;
        foreach (var entry in Select(selection))
        {
            if (FactOf(rows[entry.Identity], wanted) is >= 0 and var value)
            {
                counts[value] = counts.GetValueOrDefault(value) + 1;
            }
            else
            {
                missing++;
            }
        }

        return (counts.ToDictionary(count => values[count.Key], count => count.Value), missing);
    }

    private Row RowOf(string identity)
    {
        if (!rows.TryGetValue(identity, out var row))
        {
            rows[identity] = row = new Row();
        }

        return row;
    }

    private int[] UseAll(IReadOnlyList<string> texts)
    {
        var used = texts.Distinct(StringComparer.Ordinal).Select(names.Use).ToArray();
        Array.Sort(used);
        return used;
    }

    private void Forget(Row row)
    {
        Array.ForEach(row.Paths, paths.Release);
        Array.ForEach(row.Facts, values.Release);
        Array.ForEach(row.Classes, names.Release);
        Array.ForEach(row.Agents, names.Release);
        Facts -= row.Paths.Length;
    }

    private Func<Row, bool> Compile(FilterExpression expression)
    {
        switch (expression)
        {
            case FilterExpression.And and:
                var (bothLeft, bothRight) = (Compile(and.Left), Compile(and.Right));
                return row => bothLeft(row) && bothRight(row);

            case FilterExpression.Or or:
                var (eitherLeft, eitherRight) = (Compile(or.Left), Compile(or.Right));
                return row => eitherLeft(row) || eitherRight(row);

            case FilterExpression.Not not:
                var inner = Compile(not.Of);
                return row => !inner(row);

            case FilterExpression.Fact fact:
                return CompileFact(fact.Test);

            case FilterExpression.Class of:
                var classes = NumbersOf(of.Test);
                return row => HasAny(row.Classes, classes);

            case FilterExpression.Agent of:
                var agents = NumbersOf(of.Test);
                return row => HasAny(row.Agents, agents);

            case FilterExpression.Named of:
                var (asClass, asAgent) = (NumbersOf(of.AsClass), NumbersOf(of.AsAgent));
                return row => HasAny(row.Classes, asClass) || HasAny(row.Agents, asAgent);

            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private Func<Row, bool> CompileFact(FactTest test)
    {
        var path = paths.Find(test.Path);
        if (path < 0)
        {
            return static _ => false;
        }

        // 0 unknown, 1 holds, 2 does not: most values are met many times.
        var verdicts = new byte[values.Numbers];
        return row =>
        {
            if (FactOf(row, path) is not (>= 0 and var value))
            {
                return false;
            }

            if (verdicts[value] == 0)
            {
                verdicts[value] = test.Holds(values[value]) ? (byte)1 : (byte)2;
            }

            return verdicts[value] == 1;
        };
    }

    private HashSet<int> NumbersOf(NameTest test) => test.Name is { } name
        ? names.Find(name) is >= 0 and var number ? [number] : []
        : [.. names.All.Where(known => test.Holds(known.Key)).Select(known => known.Value)];

    private static bool HasAny(int[] has, HashSet<int> wanted) => wanted.Count > 0 && Array.Exists(has, wanted.Contains);

    private static int FactOf(Row row, int path)
    {
        var at = Array.BinarySearch(row.Paths, path);
        return at >= 0 ? row.Facts[at] : -1;
    }

    private sealed class Row
    {
        public RosterEntry? Entry { get; set; }

        public string? Digest { get; set; }

        public InventorySource Source { get; set; }

        public string? Version { get; set; }

        public int[] Classes { get; set; } = [];

        public int[] Agents { get; set; } = [];

        public int[] Paths { get; set; } = [];

        public int[] Facts { get; set; } = [];

        public string? RunningVersion => Entry?.AgentVersion ?? Version;
    }
}
