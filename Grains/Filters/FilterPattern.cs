using System.Text.RegularExpressions;

namespace ControlPlane.Filters;

/// <summary>Regular expressions in filters: linear in the text they look at, whatever somebody wrote, as Go's are.</summary>
internal static class FilterPattern
{
    /// <summary>The longest pattern that is taken.</summary>
    public const int CharsMax = 512;

    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    /// <summary>Whether a name in a filter is a pattern.</summary>
    public static bool IsPattern(string name) => name is ['/', _, .., '/'];

    /// <summary>A pattern for facts, upper and lower case alike; slashes around it are left out.</summary>
    /// <exception cref="FilterException">It is none, or too long.</exception>
    public static Regex OfFact(string pattern) => Compile(pattern.Trim('/'), Linear | RegexOptions.IgnoreCase);

    /// <summary>A pattern for classes, upper and lower case alike.</summary>
    /// <inheritdoc cref="OfFact" path="/exception"/>
    public static Regex OfClass(string pattern) => Compile(pattern[1..^1], Linear | RegexOptions.IgnoreCase);

    /// <summary>A pattern for identities and agents.</summary>
    /// <inheritdoc cref="OfFact" path="/exception"/>
    public static Regex OfName(string pattern) => Compile(pattern[1..^1], Linear);

    private static Regex Compile(string pattern, RegexOptions options)
    {
        if (pattern.Length > CharsMax)
        {
            throw new FilterException($"a pattern has at most {CharsMax} characters");
        }

        try
        {
            // Go names groups in its own way.
            return new Regex(pattern.Replace("(?P<", "(?<", StringComparison.Ordinal), options);
        }
        catch (Exception unusable) when (unusable is ArgumentException or NotSupportedException)
        {
            throw new FilterException($"'/{pattern}/' is not a regular expression that can be used: {unusable.Message}", unusable);
        }
    }
}
