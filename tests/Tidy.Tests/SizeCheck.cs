using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.3: what does not fit on a screen is not understood in one look.</summary>
internal static class SizeCheck
{
    public const int MethodLinesMax = 70;
    public const int FileLinesMax = 400;

    public static IEnumerable<string> Faults(SourceFile file) =>
        LongMethods(file).Concat(LongFile(file));

    private static IEnumerable<string> LongMethods(SourceFile file) =>
        from member in file.Root.DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
        let span = member.GetLocation().GetLineSpan()
        let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
        where lines > MethodLinesMax
        select $"{file.At(member)}: a method of {lines} lines; {MethodLinesMax} at most, split it by decision";

    private static IEnumerable<string> LongFile(SourceFile file)
    {
        var lines = file.Text.Split('\n').Length - 1;
        if (lines > FileLinesMax && !file.Text.StartsWith("//", StringComparison.Ordinal))
        {
            yield return $"{file.Path}: {lines} lines; over {FileLinesMax} needs its reason in the first comment";
        }
    }
}
