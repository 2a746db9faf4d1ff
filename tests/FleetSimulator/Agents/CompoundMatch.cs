using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>
/// The compound filters that people write: <c>with("…")</c> terms, joined by <c>and</c>, with <c>not</c> before any. Whatever else the
/// agent's expression language can say is not evaluated here, and the node stays silent as it does for an error.
/// </summary>
internal static partial class CompoundMatch
{
    public static bool Matches(string expression, Func<FactFilter, bool> hasFact, Func<string, bool> hasAgent) =>
        Conjunction().Split(expression).All(term => MatchesTerm(term.Trim(), hasFact, hasAgent));

    private static bool MatchesTerm(string term, Func<FactFilter, bool> hasFact, Func<string, bool> hasAgent)
    {
        if (With().Match(term) is not { Success: true } with)
        {
            return false;
        }

        var needle = with.Groups["needle"].Value;
        var holds = Comparison().Match(needle) is { Success: true } comparison
            ? hasFact(ReadComparison(comparison))
            : hasAgent(needle);
        return holds != with.Groups["not"].Success;
    }

    private static FactFilter ReadComparison(Match comparison)
    {
        var value = comparison.Groups["value"].Value;
        var sign = comparison.Groups["operator"].Value is "=" ? "==" : comparison.Groups["operator"].Value;
        return new FactFilter(comparison.Groups["fact"].Value, value is ['/', .., '/'] ? "=~" : sign, value);
    }

    [GeneratedRegex(@"\s+(?:and|&&)\s+")]
    private static partial Regex Conjunction();

    [GeneratedRegex("""^(?<not>(?:not\s+|!\s*))?with\(\s*(?<quote>["'])(?<needle>.+)\k<quote>\s*\)$""")]
    private static partial Regex With();

    [GeneratedRegex(@"^(?<fact>[^=<>!~]+?)\s*(?<operator>>=|<=|!=|==|=~|=|<|>)\s*(?<value>.+)$")]
    private static partial Regex Comparison();
}
