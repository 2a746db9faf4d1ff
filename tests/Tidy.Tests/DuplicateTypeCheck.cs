using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <summary>One name, one thing: a reader who searches for a type finds one.</summary>
internal static class DuplicateTypeCheck
{
    public static IEnumerable<string> Faults(IEnumerable<SourceFile> files) =>
        from declared in files.SelectMany(Declared)
        group declared by declared.Name into same
        where same.Select(one => one.Namespace).Distinct(StringComparer.Ordinal).Count() > 1
            || same.Count(one => !one.IsPartial) > (same.Any(one => one.IsPartial) ? 0 : 1)
        from one in same
        select $"{one.Place}: the type name {same.Key} is declared {same.Count()} times";

    // Of the types at the top: what is within another is named with it. Arity makes no other name: NodeResult and NodeResult<T> are one.
    private static IEnumerable<(string Name, string Namespace, bool IsPartial, string Place)> Declared(SourceFile file) =>
        from type in file.Root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
        where type.Parent is not BaseTypeDeclarationSyntax
        let space = type.Ancestors().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString() ?? ""
        select (type.Identifier.Text, space, type.Modifiers.Any(modifier => modifier.Text == "partial"), file.At(type));
}
