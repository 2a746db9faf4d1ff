using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.3: what does not fit on a screen is not understood in one look.</summary>
internal static class SizeCheck
{
    public const int MethodLinesMax = 70;
    public const int FileLinesMax = 400;
    public const int ColumnsMax = 140;

    /// <summary>A text of so many characters may stand on a longer line: who searches for a message must find it whole.</summary>
    public const int SentenceLength = 80;

    public static IEnumerable<string> Faults(SourceFile file) =>
        LongMethods(file).Concat(LongFile(file)).Concat(LongLines(file));

    private static IEnumerable<string> LongMethods(SourceFile file) =>
        from member in file.Root.DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
        let span = member.GetLocation().GetLineSpan()
        let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
        where lines > MethodLinesMax
        select $"{file.At(member)}: a method of {lines} lines; {MethodLinesMax} at most, split it by decision";

    private static IEnumerable<string> LongLines(SourceFile file)
    {
        var lines = file.Text.Split('\n');
        if (lines.All(line => line.Length <= ColumnsMax))
        {
            return [];
        }

        var sentences = file.Root.DescendantNodes()
            .Where(node => node is (InterpolatedStringExpressionSyntax or LiteralExpressionSyntax) && node.Span.Length >= SentenceLength)
            .SelectMany(node => Lines(node.GetLocation().GetLineSpan()))
            .ToHashSet();
        return lines.Index()
            .Where(line => line.Item.Length > ColumnsMax && !sentences.Contains(line.Index))
            .Select(line => $"{file.Path}:{line.Index + 1}: {line.Item.Length} columns; {ColumnsMax} at most");
    }

    private static IEnumerable<int> Lines(Microsoft.CodeAnalysis.FileLinePositionSpan span) =>
        Enumerable.Range(span.StartLinePosition.Line, span.EndLinePosition.Line - span.StartLinePosition.Line + 1);

    private static IEnumerable<string> LongFile(SourceFile file)
    {
        var lines = file.Text.Split('\n').Length - 1;
        if (lines > FileLinesMax && !file.Text.StartsWith("//", StringComparison.Ordinal))
        {
            yield return $"{file.Path}: {lines} lines; over {FileLinesMax} needs its reason in the first comment";
        }
    }
}
