namespace ControlPlane.Flow;

/// <summary>Who waits for a place: by age within a group, and between groups the one that holds the fewest places.</summary>
/// <remarks>
/// So a group of ten thousand nodes does not shut out one of ten, and alone it has all places. Not thread-safe: its gate is.
/// </remarks>
internal sealed class FairQueue<T>
    where T : class
{
    /// <summary>Groups that are told apart; further ones share one. Their names come from tokens.</summary>
    public const int GroupsMax = 256;

    private const string Others = "";

    private readonly Dictionary<string, Group> groups = new(StringComparer.Ordinal);
    private long came;

    public int Waiting { get; private set; }

    /// <summary>The groups that hold places or wait for some.</summary>
    public int Groups => groups.Count;

    /// <summary>Counts one in that need not wait.</summary>
    /// <returns>The name by which it leaves.</returns>
    public string Hold(string name)
    {
        var group = Find(name);
        group.Held++;
        return group.Name;
    }

    public void Enqueue(string name, T one, DateTimeOffset waitingSince)
    {
        Find(name).Queue.Enqueue(one, (waitingSince, came++));
        Waiting++;
    }

    /// <summary>Takes the next one out, who holds a place from now on; null when nobody waits.</summary>
    public (T One, string Group)? Next()
    {
        var next = groups.Values.Where(group => group.Queue.Count > 0).MinBy(group => (group.Held, Oldest(group)));
        if (next is null)
        {
            return null;
        }

        Waiting--;
        next.Held++;
        return (next.Queue.Dequeue(), next.Name);
    }

    public void Leave(string name)
    {
        var group = groups[name];
        group.Held--;
        DropIfIdle(group);
    }

    /// <summary>Takes out those who are to go without a place.</summary>
    public List<T> Remove(Func<T, bool> condition)
    {
        var removed = new List<T>();
        foreach (var group in groups.Values.Where(group => group.Queue.UnorderedItems.Any(item => condition(item.Element))).ToList())
        {
            var stay = group.Queue.UnorderedItems.Where(item => !condition(item.Element)).ToList();
            removed.AddRange(group.Queue.UnorderedItems.Select(item => item.Element).Where(condition));
            group.Queue.Clear();
            group.Queue.EnqueueRange(stay);
            DropIfIdle(group);
        }

        Waiting -= removed.Count;
        return removed;
    }

    private static DateTimeOffset Oldest(Group group) => group.Queue.TryPeek(out _, out var rank) ? rank.Since : DateTimeOffset.MaxValue;

    private Group Find(string name)
    {
        if (!groups.ContainsKey(name) && groups.Count >= GroupsMax)
        {
            name = Others;
        }

        if (!groups.TryGetValue(name, out var group))
        {
            groups[name] = group = new Group(name);
        }

        return group;
    }

    private void DropIfIdle(Group group)
    {
        if (group is { Held: 0, Queue.Count: 0 })
        {
            groups.Remove(group.Name);
        }
    }

    private sealed class Group(string name)
    {
        public string Name { get; } = name;

        public PriorityQueue<T, (DateTimeOffset Since, long Came)> Queue { get; } = new();

        public int Held { get; set; }
    }
}
