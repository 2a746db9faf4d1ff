using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>Whether a request's filter means this node.</summary>
internal static class FilterMatch
{
    private static readonly TimeSpan RegexTimeout = TimeSpan.FromMilliseconds(100);

    public static bool Matches(ChoriaFilter filter, NodeProfile profile)
    {
        // A simulated node has no classes.
        return filter.Classes.Count == 0
            && filter.Agents.All(HasAgent)
            && (filter.Identities.Count == 0 || filter.Identities.Any(identity => MatchesName(identity, profile.Identity)))
            && (filter.Facts.Count == 0 || MatchesFacts(filter.Facts, profile))
            && filter.Expressions.All(expression => CompoundMatch.Matches(expression, fact => MatchesFacts([fact], profile), HasAgent));
    }

    private static bool HasAgent(string agent) => NodeAgents.All.Any(known => MatchesName(agent, known));

    private static bool MatchesName(string wanted, string name) =>
        wanted.Length > 1 && wanted[0] == '/' && wanted[^1] == '/'
            ? MatchesRegex(wanted.Trim('/'), name, RegexOptions.None)
            : wanted == name;

    private static bool MatchesRegex(string pattern, string text, RegexOptions options)
    {
        try
        {
            return Regex.IsMatch(text, pattern, options, RegexTimeout);
        }
        catch (Exception unusable) when (unusable is RegexParseException or RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static bool MatchesFacts(IReadOnlyList<FactFilter> wanted, NodeProfile profile)
    {
        using var facts = JsonDocument.Parse(profile.FactsJson);
        return wanted.All(comparison => Facts.FindOrNull(facts.RootElement, comparison.Fact) is { } fact && MatchesFact(fact, comparison));
    }

    private static bool MatchesFact(JsonElement fact, FactFilter wanted) => fact.ValueKind switch
    {
        JsonValueKind.String => MatchesText(fact.GetString()!, wanted),
        JsonValueKind.Number => MatchesNumber(fact.GetDouble(), wanted),
        JsonValueKind.True => wanted.Operator == "!=" ? !IsTruthy(wanted.Value) : IsTruthy(wanted.Value),
        JsonValueKind.False => !IsTruthy(wanted.Value),
        _ => false,
    };

    private static bool MatchesText(string fact, FactFilter wanted) => wanted.Operator == "=~"
        ? MatchesRegex(wanted.Value.Trim('/'), fact, RegexOptions.IgnoreCase)
        : Compare(wanted.Operator, string.CompareOrdinal(fact.ToUpperInvariant(), wanted.Value.ToUpperInvariant()));

    private static bool MatchesNumber(double fact, FactFilter wanted)
    {
        if (wanted.Operator == "=~")
        {
            return MatchesRegex(wanted.Value.Trim('/'), fact.ToString(CultureInfo.InvariantCulture), RegexOptions.IgnoreCase);
        }

        return double.TryParse(wanted.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && Compare(wanted.Operator, fact.CompareTo(value));
    }

    private static bool Compare(string comparison, int order) => comparison switch
    {
        "==" => order == 0,
        "!=" => order != 0,
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        ">=" => order >= 0,
        _ => false,
    };

    private static bool IsTruthy(string value) => value is "1" or "t" or "T" or "TRUE" or "true" or "True";
}
