using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ControlPlane.Tidy.Tests;

/// <param name="Layer">The assembly that the rule holds for; a trailing star stands for any end.</param>
/// <param name="MayName">The only assemblies of ours that it may refer to, with the same star.</param>
/// <param name="MustNotName">Assemblies of others that it must not refer to, with the same star.</param>
/// <param name="Why">What would go wrong.</param>
internal sealed record LayerRule(string Layer, string[] MayName, string[] MustNotName, string Why)
{
    private const string Ours = "ControlPlane.*";

    public bool HoldsFor(string assembly) => Matches(assembly, Layer);

    public IEnumerable<string> Faults(string assembly, IEnumerable<string> references) =>
        from reference in references
        let ours = Matches(reference, Ours) || Matches(reference, "controlplane")
        where (ours && !MayName.Any(allowed => Matches(reference, allowed))) || MustNotName.Any(denied => Matches(reference, denied))
        select $"{assembly} refers to {reference}: {Why}";

    /// <summary>The names of all assemblies that an assembly refers to.</summary>
    public static IReadOnlyList<string> References(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private static bool Matches(string name, string pattern) =>
        pattern.EndsWith('*') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : name == pattern;
}
