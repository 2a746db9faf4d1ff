using System.Text.RegularExpressions;

namespace ControlPlane.Tidy.Tests;

/// <summary>What is left for later is done or is an issue; a test that does not run is no test.</summary>
internal static partial class LeftoverCheck
{
    public static IEnumerable<string> Faults(string path, string text) =>
        text.Split('\n')
            .Select((line, index) => (line, index))
            .Where(each => Leftover().IsMatch(each.line))
            .Select(each => $"{path}:{each.index + 1}: {each.line.Trim()}");

    // Written in pieces, so that this file passes its own check.
    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b|\bSk" + @"ip\s*=\s*""|\bExpl" + @"icit\s*=\s*true")]
    private static partial Regex Leftover();
}
