using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>By what the sites of a region know one another. Section <c>Sites</c>.</summary>
/// <remarks>All or none: with keys, a site takes nothing that is not signed. A region of one site needs none.</remarks>
public sealed class SitesOptions
{
    public const string Section = "Sites";

    /// <summary>
    /// Path of this site's Ed25519 seed (64 hexadecimal digits), the same for all its silos: <c>controlplane site key FILE</c> makes it.
    /// </summary>
    public string SeedFile { get; set; } = "";

    /// <summary>
    /// Paths of other seeds of this site, while its key is replaced: the new one before it is used, then the old one. What they sealed is
    /// taken too, calls between the site's silos and sessions; nothing is signed or sealed by them.
    /// </summary>
    public List<string> OtherSeedFiles { get; set; } = [];

    /// <summary>
    /// The public keys of each site of the region, this one included, by its name: 64 hexadecimal digits each. While a site's key is
    /// replaced it has two, and both are taken until the old one is removed here.
    /// </summary>
    public Dictionary<string, List<string>> PublicKeys { get; set; } = new(StringComparer.Ordinal);

    /// <summary>This site's key as its file holds it; null where it has none.</summary>
    /// <exception cref="ChoriaFormatException">The file holds no seed.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public Ed25519Key? ReadKey() => SeedFile.Length > 0 ? Ed25519Key.FromSeedHex(SecretFile.Read(SeedFile)) : null;

    /// <summary>This site's seeds as their files hold them, the one that signs first; none where it has no key.</summary>
    /// <exception cref="InvalidOperationException">A file holds no seed.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public IReadOnlyList<byte[]> ReadSeeds() =>
        SeedFile.Length == 0 ? [] : [.. OtherSeedFiles.Prepend(SeedFile).Select(SecretFile.ReadHex)];

    /// <summary>Whether sites sign.</summary>
    public bool AreUsed() => SeedFile.Length > 0 || OtherSeedFiles.Count > 0 || PublicKeys.Count > 0;
}
