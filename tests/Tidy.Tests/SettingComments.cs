using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>What the documentation comments of types and properties say, as Markdown: summary, then remarks.</summary>
/// <remarks>Read from the sources: the product is built without XML files of documentation, which nobody else would read.</remarks>
internal sealed partial class SettingComments(IEnumerable<SourceFile> files)
{
    private readonly Dictionary<string, XElement> _comments = files
        .SelectMany(file => file.Root.DescendantNodes())
        .Where(node => node is TypeDeclarationSyntax or PropertyDeclarationSyntax { Parent: TypeDeclarationSyntax })
        .Select(node => (Name: NameOf((MemberDeclarationSyntax)node), Comment: CommentOf((MemberDeclarationSyntax)node)))
        .Where(one => one.Comment is not null)
        .GroupBy(one => one.Name, one => one.Comment!, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);

    public string Of(Type type) => Text(type.Name);

    public string Of(PropertyInfo property) => Text($"{property.DeclaringType!.Name}.{property.Name}");

    private string Text(string name)
    {
        if (!_comments.TryGetValue(name, out var comment))
        {
            return "";
        }

        return comment.Element("inheritdoc")?.Attribute("cref")?.Value is { } other
            ? Text($"{name.Split('.')[0]}.{other}")
            : Spaces().Replace(string.Concat(comment.Nodes().SelectMany(Inner).Select(Markdown)), " ").Trim();
    }

    private static IEnumerable<XNode> Inner(XNode node) => node is XElement element ? element.Nodes() : [node];

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see => $"`{see.Attribute("cref")!.Value.Split('.')[^1]}`",
        _ => throw new NotSupportedException($"{node} in the comment of a setting"),
    };

    private static string NameOf(MemberDeclarationSyntax member) => member switch
    {
        PropertyDeclarationSyntax property => $"{NameOf((TypeDeclarationSyntax)property.Parent!)}.{property.Identifier.Text}",
        TypeDeclarationSyntax type => type.Identifier.Text,
        _ => "",
    };

    private static XElement? CommentOf(MemberDeclarationSyntax member)
    {
        var comment = member.GetLeadingTrivia()
            .Select(trivia => trivia.GetStructure())
            .OfType<DocumentationCommentTriviaSyntax>()
            .LastOrDefault();
        return comment is null
            ? null
            : XElement.Parse($"<all>{Slashes().Replace(comment.ToFullString(), "")}</all>", LoadOptions.PreserveWhitespace);
    }

    [GeneratedRegex(@"^\s*///", RegexOptions.Multiline)]
    private static partial Regex Slashes();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
