namespace ControlPlane;

/// <summary>Finds what somebody meant who wrote a name that is not known.</summary>
public static class NearestName
{
    private const int DistanceMax = 2;

    /// <summary>A question that follows the fault, e.g. <c>; did you mean 'Listen'?</c>; empty where no name is near.</summary>
    public static string Suggest(string given, IEnumerable<string> known) =>
        known.MinBy(candidate => Distance(given, candidate)) is { } nearest && Distance(given, nearest) <= DistanceMax
            ? $"; did you mean '{nearest}'?"
            : "";

    // Levenshtein's, over names of a few dozen characters.
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replace = diagonal + (char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
