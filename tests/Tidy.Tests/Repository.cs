using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ControlPlane.Tidy.Tests;

/// <summary>The files of this repository, as they lie in the working tree.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = ["bin", "obj", "TestResults", ".git", ".data", "fixtures"];

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = Above(AppContext.BaseDirectory);

    /// <summary>Every C# file that people write, parsed.</summary>
    public static IReadOnlyList<SourceFile> Sources { get; } =
        [.. Files("*.cs").Select(path => SourceFile.Parse(path, File.ReadAllText(Path.Combine(Root, path))))];

    /// <summary>The paths of all files that match, relative to <see cref="Root"/>, in order.</summary>
    public static IEnumerable<string> Files(string pattern) =>
        Walk(Root, pattern).Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal);

    /// <summary>The names of folders, and of files without their ends: documents name projects and scripts as they name types.</summary>
    public static IEnumerable<string> PathNames =>
        Files("*").SelectMany(path => path.Split('/')).Select(part => part.Split('.')[0]);

    private static IEnumerable<string> Walk(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern).Concat(
            Directory.EnumerateDirectories(folder)
                .Where(inner => !NotOurs.Contains(Path.GetFileName(inner), StringComparer.Ordinal))
                .SelectMany(inner => Walk(inner, pattern)));

    private static string Above(string folder)
    {
        for (var place = new DirectoryInfo(folder); place is not null; place = place.Parent)
        {
            if (File.Exists(Path.Combine(place.FullName, "ControlPlane.sln")))
            {
                return place.FullName;
            }
        }

        throw new InvalidOperationException($"no folder above {folder} holds ControlPlane.sln");
    }
}

/// <param name="Path">Relative to the solution.</param>
/// <param name="Text">What it holds.</param>
/// <param name="Root">The same, parsed.</param>
internal sealed record SourceFile(string Path, string Text, SyntaxNode Root)
{
    public static SourceFile Parse(string path, string text) => new(path, text, CSharpSyntaxTree.ParseText(text, path: path).GetRoot());

    /// <summary>Where a node begins, as compilers write it.</summary>
    public string At(SyntaxNode node) => $"{Path}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}";
}
