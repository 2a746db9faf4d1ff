using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.10: every type or member that a document names in backticks still exists.</summary>
internal static partial class DocumentCheck
{
    /// <summary>Every identifier in the code; comments and texts do not count.</summary>
    public static HashSet<string> Identifiers(IEnumerable<SourceFile> files) =>
        [.. files.SelectMany(file => file.Root.DescendantTokens())
            .Where(token => token.IsKind(SyntaxKind.IdentifierToken))
            .Select(token => token.Text)];

    public static IEnumerable<string> Faults(string path, string text, IReadOnlySet<string> identifiers) =>
        from line in text.Split('\n').Select((line, index) => (Text: line, Number: index + 1))
        from match in Quoted().Matches(line.Text)
        from name in Names(match.Groups["name"].Value)
        where !identifiers.Contains(name)
        select $"{path}:{line.Number}: `{name}` does not exist in the code";

    // `IInternalNodeGrain`, `ProvisioningOptions.SweepInterval` and `Provisioning:SweepInterval`; a single word might be anything.
    private static IEnumerable<string> Names(string quoted)
    {
        var parts = quoted.Split('.', ':');
        return parts.All(part => Pascal().IsMatch(part)) ? parts.Where(part => Humps().IsMatch(part)) : [];
    }

    [GeneratedRegex(@"`(?<name>[A-Za-z.:]+)(\(\))?`")]
    private static partial Regex Quoted();

    [GeneratedRegex("^[A-Z][A-Za-z0-9]*$")]
    private static partial Regex Pascal();

    [GeneratedRegex("^([A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*|I[A-Z][a-z][A-Za-z0-9]*)$")]
    private static partial Regex Humps();
}
