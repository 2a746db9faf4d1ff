using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.9: docs/METRICS.md lists all metrics, and nothing that is none.</summary>
internal static partial class MetricCheck
{
    private static readonly HashSet<string> Makers = new(StringComparer.Ordinal)
    {
        "CreateCounter", "CreateUpDownCounter", "CreateHistogram", "CreateGauge",
        "CreateObservableCounter", "CreateObservableUpDownCounter", "CreateObservableGauge",
    };

    /// <summary>The names given where instruments are made; for a name that is no literal its place, which no document lists.</summary>
    public static IEnumerable<string> Made(SourceFile file) =>
        from call in file.Root.DescendantNodes().OfType<InvocationExpressionSyntax>()
        let name = call.Expression is MemberAccessExpressionSyntax member ? member.Name.Identifier.Text : ""
        where Makers.Contains(name) && call.ArgumentList.Arguments.Count > 0
        select call.ArgumentList.Arguments[0].Expression
            is LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression } literal
            ? literal.Token.ValueText
            : $"{file.At(call)}: a metric whose name is no literal";

    public static IEnumerable<string> Listed(string document) => Name().Matches(document).Select(match => match.Groups["name"].Value);

    public static IEnumerable<string> Faults(IEnumerable<string> made, IEnumerable<string> listed)
    {
        var code = made.ToHashSet(StringComparer.Ordinal);
        var text = listed.ToHashSet(StringComparer.Ordinal);
        return code.Except(text).Select(name => $"{name}: made in the code, not listed in docs/METRICS.md")
            .Concat(text.Except(code).Select(name => $"{name}: listed in docs/METRICS.md, not made in the code"));
    }

    /// <summary>
    /// The names of ours in queries of Prometheus that stand for no metric: it writes <c>_</c> for <c>.</c>, and appends unit and kind.
    /// </summary>
    public static IEnumerable<string> FaultsOfQueries(string path, string text, IEnumerable<string> listed)
    {
        var known = listed.Select(name => name.Replace('.', '_')).ToHashSet(StringComparer.Ordinal);
        return from name in Queried().Matches(text).Select(match => match.Value).Distinct()
               where !known.Contains(Ending().Replace(name, ""))
               select $"{path}: {name} is no metric of docs/METRICS.md";
    }

    [GeneratedRegex(@"\bcontrolplane_[a-z0-9_]+")]
    private static partial Regex Queried();

    [GeneratedRegex(@"(_seconds)?(_total|_bucket|_sum|_count)?$")]
    private static partial Regex Ending();

    [GeneratedRegex(@"`(?<name>controlplane\.[a-z0-9_.]+)`")]
    private static partial Regex Name();
}
