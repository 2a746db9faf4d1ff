namespace ControlPlane.Placement.Plans;

/// <summary>Chooses units whose sizes add up to at least a number of nodes, and to as little more as can be.</summary>
internal static class UnitChoice
{
    // Beyond it the exact answer would take longer than an operator waits for a plan.
    private const long StepsMax = 50_000_000;

    public static IReadOnlyList<MoveUnit> AtLeast(IReadOnlyList<MoveUnit> units, int wanted)
    {
        if (wanted <= 0)
        {
            return [];
        }

        MoveUnit[] singles = [.. units.Where(unit => unit.Size == 1).Take(wanted)];
        MoveUnit[] groups = [.. units.Where(unit => unit.Size > 1)];
        if (singles.Length + groups.Sum(group => (long)group.Size) <= wanted)
        {
            return [.. singles, .. groups];
        }

        // Single nodes fit anywhere and add up exactly: groups are only for what they do not cover.
        var uncovered = wanted - singles.Length;
        var range = wanted + groups.Select(group => group.Size).DefaultIfEmpty().Max();
        var chosen = uncovered == 0 ? []
            : (long)groups.Length * range <= StepsMax ? Exact(groups, uncovered, range)
            : Greedy(groups, uncovered);
        return [.. chosen, .. singles.Take(Math.Max(0, wanted - chosen.Sum(unit => unit.Size)))];
    }

    // Subset sum: for each sum, the unit by which it was first reached; the smallest reachable sum that is enough wins.
    private static List<MoveUnit> Exact(MoveUnit[] groups, int wanted, int range)
    {
        var reachedBy = new int[range + 1];
        Array.Fill(reachedBy, -1);
        for (var i = 0; i < groups.Length; i++)
        {
            var size = groups[i].Size;
            for (var sum = range; sum >= size; sum--)
            {
                if (reachedBy[sum] < 0 && (sum == size || reachedBy[sum - size] >= 0))
                {
                    reachedBy[sum] = i;
                }
            }
        }

        var found = wanted;
        while (reachedBy[found] < 0)
        {
            found++;
        }

        var chosen = new List<MoveUnit>();
        for (var sum = found; sum > 0; sum -= groups[reachedBy[sum]].Size)
        {
            chosen.Add(groups[reachedBy[sum]]);
        }

        return chosen;
    }

    private static List<MoveUnit> Greedy(MoveUnit[] groups, int wanted)
    {
        var chosen = new List<MoveUnit>();
        foreach (var group in groups.OrderByDescending(group => group.Size))
        {
            if (group.Size <= wanted)
            {
                chosen.Add(group);
                wanted -= group.Size;
            }
        }

        if (wanted > 0)
        {
            chosen.Add(groups.Except(chosen).MinBy(group => group.Size)!);
        }

        return chosen;
    }
}
