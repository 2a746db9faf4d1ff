using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.4: the words that say nothing of what a type is, and those that only we would understand.</summary>
internal static partial class NameCheck
{
    private static readonly HashSet<string> Banned = new(StringComparer.Ordinal)
    {
        "Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Base", "Impl", "Info", "Data", "Processor", "Service", "Services",
        "Board", "Book", "Desk", "Door", "Dossier", "Keeper", "Pulse", "Seam", "Shelf", "Standing", "Summons", "Waker",
    };

    public static IEnumerable<string> Faults(SourceFile file) =>
        from type in file.Root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
        let word = LastWord().Match(type.Identifier.Text).Value
        where Banned.Contains(word)
        select $"{file.At(type)}: '{type.Identifier.Text}' ends in '{word}', which tells a newcomer nothing; name what it is";

    [GeneratedRegex("[A-Z][a-z0-9]*$")]
    private static partial Regex LastWord();
}
