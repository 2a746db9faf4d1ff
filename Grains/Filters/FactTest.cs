using System.Globalization;
using System.Text.RegularExpressions;

namespace ControlPlane.Filters;

/// <summary>A comparison of one fact, by the rules of Choria's nodes with all their peculiarities. Immutable.</summary>
internal sealed class FactTest
{
    // Two characters before one, as the longest operator wins where several begin.
    private static readonly string[] Operators = ["<=", ">=", "=<", "=>", "==", "!=", "=~", "=", "<", ">"];

    private readonly string comparison;
    private readonly string value;
    private readonly string lowered;
    private readonly double? number;
    private readonly long? integer;
    private readonly Regex? pattern;

    private FactTest(string path, string comparison, string value)
    {
        Path = path;
        this.comparison = comparison;
        this.value = value;
        lowered = value.ToLowerInvariant();
        number = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? real : null;
        integer = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        pattern = comparison == "=~" ? FilterPattern.OfFact(value) : null;
    }

    /// <summary>Where the fact is: names and positions with dots between them, <c>\.</c> for a dot in a name.</summary>
    public string Path { get; }

    /// <summary>Reads a comparison in the form of Choria's <c>-F</c>; null when there is no operator in it.</summary>
    /// <exception cref="FilterException">The path or the pattern cannot be used.</exception>
    public static FactTest? ReadOrNull(string text)
    {
        // Choria takes the operator that stands furthest to the right. In a pattern it would find one that is none, so we look before the
        // slash.
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var searched = slash > 0 && text.EndsWith('/') ? text[..slash] : text;
        var (at, sign) = (-1, "");
        foreach (var candidate in Operators)
        {
            var found = searched.LastIndexOf(candidate, StringComparison.Ordinal);
            if (found + candidate.Length > at + sign.Length)
            {
                (at, sign) = (found, candidate);
            }
        }

        return at <= 0 ? null : Of(text[..at].Trim(), sign, text[(at + sign.Length)..].Trim());
    }

    /// <exception cref="FilterException">The path or the pattern cannot be used.</exception>
    public static FactTest Of(string path, string sign, string value)
    {
        FactPath.Check(path);
        if (value.Length == 0)
        {
            throw new FilterException($"'{path}{sign}' compares with nothing");
        }

        var comparison = sign switch
        {
            _ when value is ['/', _, .., '/'] => "=~",
            "=" => "==",
            "=<" => "<=",
            "=>" => ">=",
            _ => sign,
        };
        return new FactTest(path, comparison, value);
    }

    public bool Holds(in FactValue fact) => fact.Kind switch
    {
        FactKind.Text => HoldsForText(fact.Text),
        FactKind.Number when value.Contains('.', StringComparison.Ordinal) => HoldsForReal(fact.Number),
        FactKind.Number => HoldsForInteger(fact.Number),
        FactKind.True => HoldsForTrue(),
        _ => HoldsForFalse(),
    };

    private bool HoldsForText(string text) => comparison == "=~"
        ? pattern!.IsMatch(text)
        : Compare(string.CompareOrdinal(text.ToLowerInvariant(), lowered));

    private bool HoldsForReal(double fact)
    {
        if (comparison == "=~")
        {
            return pattern!.IsMatch(fact.ToString("F4", CultureInfo.InvariantCulture));
        }

        // Nodes treat a greater one as greater or equal here.
        return number is { } wanted && (comparison == ">" ? fact >= wanted : Compare(fact.CompareTo(wanted)));
    }

    private bool HoldsForInteger(double fact)
    {
        var whole = (long)Math.Truncate(fact);
        return comparison switch
        {
            "=~" => pattern!.IsMatch(whole.ToString(CultureInfo.InvariantCulture)),
            "==" => value == whole.ToString(CultureInfo.InvariantCulture),
            "!=" => value != whole.ToString(CultureInfo.InvariantCulture),
            _ => integer is { } wanted && Compare(whole.CompareTo(wanted)),
        };
    }

    private bool HoldsForTrue() => comparison switch
    {
        "==" or "=~" => IsTruthy,
        "!=" => !IsTruthy,
        _ => false,
    };

    // Nodes answer the same to "!=" as to "==".
    private bool HoldsForFalse() => comparison is "==" or "!=" or "=~" && !IsTruthy;

    private bool IsTruthy => value is "1" or "t" or "T" or "TRUE" or "true" or "True";

    private bool Compare(int order) => comparison switch
    {
        "==" => order == 0,
        "!=" => order != 0,
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        ">=" => order >= 0,
        _ => false,
    };
}

/// <summary>A query that cannot be understood; the message is for whoever wrote it.</summary>
internal sealed class FilterException(string message, Exception? inner = null) : Exception(message, inner);
