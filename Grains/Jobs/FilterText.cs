using System.Diagnostics.CodeAnalysis;

namespace ControlPlane.Jobs;

/// <summary>
/// One comparison of a fact as <c>choria req -F</c> takes it: <c>os.family=RedHat</c>, <c>cpus&gt;=4</c>, <c>role=/^web/</c>.
/// </summary>
/// <param name="Fact">A path into the node's facts.</param>
/// <param name="Operator">One of <c>== != &lt; &lt;= &gt; &gt;= =~</c>.</param>
/// <param name="Value">What to compare with; not empty.</param>
public sealed record FactText(string Fact, string Operator, string Value)
{
    private const string Matches = "=~";

    /// <summary>Whether a text says a comparison at all; names of classes hold no operator.</summary>
    public static bool IsFact(string text) => Operators(text).Any();

    /// <summary>Reads it: the right-most operator counts, white space around both sides does not, and slashes make a pattern.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out FactText? fact, [NotNullWhen(false)] out string? fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        (fact, fault) = (null, null);
        if (Operators(text).FirstOrDefault() is not { Length: > 0 } found)
        {
            fault = $"'{text}' compares nothing: write fact=value, with one of = != < <= > >= =~";
            return false;
        }

        var (name, value) = (text[..found.At].Trim(), text[(found.At + found.Length)..].Trim());
        if (name.Length == 0 || value.Length == 0)
        {
            fault = $"'{text}' lacks {(name.Length == 0 ? "the fact" : "the value")}: write fact=value";
            return false;
        }

        var sign = text.Substring(found.At, found.Length) switch { "=" => "==", "=<" => "<=", "=>" => ">=", var other => other };
        fact = new FactText(name, value is ['/', _, .., '/'] ? Matches : sign, value);
        return true;
    }

    /// <exception cref="ArgumentException">It is none: the message says what is wrong.</exception>
    public static FactText Read(string text) =>
        TryRead(text, out var fact, out var fault) ? fact : throw new ArgumentException(fault, nameof(text));

    // From the right.
    private static IEnumerable<(int At, int Length)> Operators(string text)
    {
        for (var end = text.Length - 1; end >= 0; end--)
        {
            if (end > 0 && text.AsSpan(end - 1, 2) is ">=" or "<=" or "=>" or "=<" or "!=" or "==" or Matches)
            {
                yield return (end - 1, 2);
            }
            else if (text[end] is '=' or '<' or '>')
            {
                yield return (end, 1);
            }
        }
    }
}

/// <summary>Reads filters in the text form of Choria's own command line. Pure.</summary>
public static class FilterText
{
    /// <summary>Terms of one filter, all kinds together.</summary>
    public const int TermsMax = 1000;

    private const int TermCharsMax = 4096;

    /// <summary>
    /// Adds what <c>choria req -W</c> takes: words of which those that compare are facts, and the others are classes.
    /// </summary>
    public static RpcFilter WithCombined(RpcFilter filter, IEnumerable<string> combined)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(combined);
        var words = combined.SelectMany(text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToLookup(FactText.IsFact);
        return filter with { Facts = [.. filter.Facts, .. words[true]], Classes = [.. filter.Classes, .. words[false]] };
    }

    /// <summary>What is wrong with a filter, all of it; nothing when nodes can read it.</summary>
    public static IReadOnlyList<string> Faults(RpcFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        IReadOnlyList<string>[] kinds = [filter.Facts, filter.Classes, filter.Agents, filter.Identities, filter.Compound];
        if (kinds.Sum(kind => kind.Count) is > TermsMax and var terms)
        {
            return [$"a filter has at most {TermsMax} terms, and not {terms}"];
        }

        return
        [
            .. filter.Facts.Select(text => FactText.TryRead(text, out _, out var fault) ? null : fault).OfType<string>(),
            .. kinds.Skip(1).SelectMany(kind => kind).Where(string.IsNullOrWhiteSpace).Select(_ => "a term of a filter is not empty"),
            .. kinds.SelectMany(kind => kind).Where(term => term.Length > TermCharsMax)
                .Select(term => $"'{term[..40]}…' is longer than the {TermCharsMax} characters that a term may have"),
        ];
    }

    /// <summary>Several expressions as one: with several of them, a node takes the majority's word. Null when there are none.</summary>
    public static string? Joined(IReadOnlyList<string> expressions)
    {
        ArgumentNullException.ThrowIfNull(expressions);
        return expressions switch
        {
            [] => null,
            [var one] => one,
            _ => string.Join(" and ", expressions.Select(expression => $"({expression})")),
        };
    }
}
