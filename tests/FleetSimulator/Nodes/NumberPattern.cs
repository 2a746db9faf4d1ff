using System.Globalization;
using System.Text.RegularExpressions;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Puts a node's number into a text: <c>{n}</c>, <c>{n:00000}</c>, <c>{n%10}</c>, <c>{n%10:00}</c>.</summary>
internal static partial class NumberPattern
{
    public static string Expand(string pattern, int number) => Placeholder().Replace(pattern, match =>
    {
        var value = match.Groups["modulus"] is { Success: true } modulus
            ? number % Math.Max(1, int.Parse(modulus.Value, CultureInfo.InvariantCulture))
            : number;
        return value.ToString(match.Groups["format"].Value, CultureInfo.InvariantCulture);
    });

    [GeneratedRegex(@"\{n(%(?<modulus>\d{1,9}))?(:(?<format>0+))?\}")]
    private static partial Regex Placeholder();
}
