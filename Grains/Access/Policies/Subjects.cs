using System.Collections.Frozen;

namespace ControlPlane.Access.Policies;

/// <summary>Whom a grant or a denial names: one of the principals, a member of one of the groups, or who has all of the claims.</summary>
internal sealed record Subjects
{
    /// <summary>Stands for everybody who is authenticated.</summary>
    public const string Everybody = "*";

    public IReadOnlyList<string> Principals { get; init; } = [];

    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Names of claims, and the values of which the caller must have one.</summary>
    public IReadOnlyList<(string Name, FrozenSet<string> Values)> Claims { get; init; } = [];

    /// <summary>How they must have been authenticated; null for any way.</summary>
    public FrozenSet<CallerMethod>? Methods { get; init; }

    public bool IsNobody => Principals.Count == 0 && Groups.Count == 0 && Claims.Count == 0;

    /// <summary>Whether the caller has all of the claims.</summary>
    public bool AreClaimedBy(Caller caller) => Claims.All(
        claim => caller.Claims.TryGetValue(claim.Name, out var values) && values.Any(claim.Values.Contains));
}

/// <summary>Finds what concerns a caller without looking at what does not. Immutable.</summary>
internal sealed class SubjectIndex<T>
{
    private readonly FrozenDictionary<string, Entry[]> principals;
    private readonly FrozenDictionary<string, Entry[]> groups;
    private readonly FrozenDictionary<(string Name, string Value), Entry[]> claims;

    public SubjectIndex(IEnumerable<(Subjects Who, T What)> content)
    {
        var entries = content.Select(one => new Entry(one.Who, one.What)).ToList();
        principals = Index(entries.SelectMany(entry => entry.Who.Principals.Select(principal => (principal, entry))));
        groups = Index(entries.SelectMany(entry => entry.Who.Groups.Select(group => (group, entry))));

        // By the first claim; the others are looked at then.
        claims = Index(entries.Where(entry => entry.Who.Claims.Count > 0).SelectMany(
            entry => entry.Who.Claims[0].Values.Select(value => ((entry.Who.Claims[0].Name, value), entry))));
    }

    /// <summary>Adds what concerns the caller; what does so in two ways is added twice.</summary>
    public void Find(Caller caller, ICollection<T> found)
    {
        Add(principals, Subjects.Everybody, caller, found);

        // Names are whoever gives them out: somebody with a token or an account called 'local' is not who sits at the machine.
        if (caller.Principal != Subjects.Everybody && (caller.Principal != Caller.Local.Principal || caller.Method == CallerMethod.Local))
        {
            Add(principals, caller.Principal, caller, found);
        }

        foreach (var group in caller.Groups)
        {
            Add(groups, group, caller, found);
        }

        if (claims.Count > 0)
        {
            foreach (var (name, values) in caller.Claims)
            {
                foreach (var value in values)
                {
                    Add(claims, (name, value), caller, found, mustClaim: true);
                }
            }
        }
    }

    private static void Add<TKey>(
        FrozenDictionary<TKey, Entry[]> index, TKey key, Caller caller, ICollection<T> found, bool mustClaim = false)
        where TKey : notnull
    {
        if (!index.TryGetValue(key, out var entries))
        {
            return;
        }

        foreach (var entry in entries)
        {
            if ((entry.Who.Methods?.Contains(caller.Method) ?? true) && (!mustClaim || entry.Who.AreClaimedBy(caller)))
            {
                found.Add(entry.What);
            }
        }
    }

    private static FrozenDictionary<TKey, Entry[]> Index<TKey>(IEnumerable<(TKey Key, Entry Entry)> entries)
        where TKey : notnull =>
        entries.GroupBy(one => one.Key)
            .ToFrozenDictionary(group => group.Key, group => group.Select(one => one.Entry).Distinct().ToArray());

    private sealed record Entry(Subjects Who, T What);
}
