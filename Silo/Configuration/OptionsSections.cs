using System.Reflection;

namespace ControlPlane.Configuration;

/// <summary>The configuration sections there are: every options class of ours that names its <c>Section</c>.</summary>
internal static class OptionsSections
{
    /// <summary>Section to options class, over all assemblies of ours that the silo is made of.</summary>
    public static IReadOnlyDictionary<string, Type> All { get; } = Find();

    /// <summary>The sections that hold any number of the same thing, each under a name that the operator gives it.</summary>
    private static readonly string[] Named = ["LocalCa", "Cfssl", "Vault", "KeyVault", "Command"];

    /// <summary>Whether a section holds named things: <c>LocalCa:{name}:DataFolder</c>.</summary>
    public static bool IsNamed(string section) => Named.Contains(section, StringComparer.OrdinalIgnoreCase);

    private static Dictionary<string, Type> Find()
    {
        var silo = typeof(OptionsSections).Assembly;
        var ours = silo.GetReferencedAssemblies()
            .Where(reference => reference.Name!.StartsWith("ControlPlane.", StringComparison.Ordinal))
            .Select(Assembly.Load)
            .Append(silo);

        return ours
            .SelectMany(assembly => assembly.GetTypes())
            .Select(type => (Type: type, Section: SectionOf(type)))
            .Where(found => found.Section is not null)
            .ToDictionary(found => found.Section!, found => found.Type, StringComparer.OrdinalIgnoreCase);
    }

    private static string? SectionOf(Type type) =>
        type.GetField("Section", BindingFlags.Public | BindingFlags.Static) is { IsLiteral: true } field
            ? field.GetRawConstantValue() as string
            : null;
}
