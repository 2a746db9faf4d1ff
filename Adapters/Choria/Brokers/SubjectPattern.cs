namespace ControlPlane.Adapters.Choria;

/// <summary>Compares subjects that may have wildcards. Pure.</summary>
public static class SubjectPattern
{
    private const string Any = "*";
    private const string Rest = ">";

    /// <summary>Whether every subject of the second is one of the first.</summary>
    public static bool Covers(string wide, string narrow)
    {
        ArgumentNullException.ThrowIfNull(wide);
        ArgumentNullException.ThrowIfNull(narrow);
        var (outer, inner) = (wide.Split('.'), narrow.Split('.'));
        for (var at = 0; at < outer.Length; at++)
        {
            if (outer[at] == Rest)
            {
                return inner.Length > at;
            }

            if (at >= inner.Length || inner[at] == Rest || (outer[at] != Any && outer[at] != inner[at]))
            {
                return false;
            }
        }

        return inner.Length == outer.Length;
    }

    /// <summary>Whether some subject is one of both.</summary>
    public static bool Overlap(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var (one, other) = (left.Split('.'), right.Split('.'));
        for (var at = 0; at < Math.Min(one.Length, other.Length); at++)
        {
            if (one[at] == Rest || other[at] == Rest)
            {
                return true;
            }

            if (one[at] != other[at] && one[at] != Any && other[at] != Any)
            {
                return false;
            }
        }

        return one.Length == other.Length;
    }
}
