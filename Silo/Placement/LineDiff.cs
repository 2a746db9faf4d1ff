namespace ControlPlane.Placement;

/// <summary>What changed between two texts, line by line, by their longest common subsequence.</summary>
internal static class LineDiff
{
    /// <summary>Beyond this many lines the middle is shown as replaced: the table of the comparison grows with the square.</summary>
    private const int LinesMax = 4000;

    /// <returns>Lines of both with '-', '+' or ' ', numbered in the text that they are of.</returns>
    public static IReadOnlyList<(char Sign, int Number, string Text)> Of(string[] before, string[] after)
    {
        if (before.Length > LinesMax || after.Length > LinesMax)
        {
            return [.. before.Select((line, i) => ('-', i + 1, line)), .. after.Select((line, i) => ('+', i + 1, line))];
        }

        var common = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
            {
                common[i, j] = before[i] == after[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        var lines = new List<(char, int, string)>();
        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            if (i < before.Length && j < after.Length && before[i] == after[j])
            {
                lines.Add((' ', j + 1, after[j++]));
                i++;
            }
            else if (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]))
            {
                lines.Add(('-', i + 1, before[i++]));
            }
            else
            {
                lines.Add(('+', j + 1, after[j++]));
            }
        }

        return lines;
    }
}
