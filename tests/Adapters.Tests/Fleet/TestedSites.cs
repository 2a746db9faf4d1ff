using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Placement;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Sites with keys, and without.</summary>
internal sealed class TestedSites(params string[] sites) : IDisposable
{
    public const string Region = "eu";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-sites-").FullName;
    private readonly Dictionary<string, List<string>> publicKeys = [];

    /// <summary>What all silos of all sites have been asked: nonces are never the same.</summary>
    public MemoryAskedOnce Asked { get; } = new();

    public Dictionary<string, List<string>> PublicKeys
    {
        get
        {
            foreach (var site in sites.Where(site => !publicKeys.ContainsKey(site)))
            {
                publicKeys[site] = [MakeKey(site)];
            }

            return publicKeys;
        }
    }

    /// <summary>For a region whose sites have no keys.</summary>
    public static SiteSeals Unsigned(string site) =>
        new(Options.Create(new SitesOptions()), Options.Create(OverlaysOf(site)), new MemoryAskedOnce(), TimeProvider.System);

    /// <summary>A silo of a site, which may hold another site's key, or know others' keys than the region's.</summary>
    public SiteSeals Of(
        string site,
        TimeProvider? time = null,
        string? seedOf = null,
        Dictionary<string, List<string>>? known = null,
        IAskedOnce? asked = null) => new(
            Options.Create(new SitesOptions { PublicKeys = known ?? PublicKeys, SeedFile = SeedFileOf(seedOf ?? site) }),
            Options.Create(OverlaysOf(site)),
            asked ?? Asked,
            time ?? TimeProvider.System);

    /// <summary>Makes a key under a name, and returns its public half.</summary>
    public string MakeKey(string name)
    {
        using var key = Ed25519Key.Generate();
        File.WriteAllText(SeedFileOf(name), key.ExportSeedHex());
        return key.PublicKeyHex;
    }

    public string SeedFileOf(string name) => Path.Combine(folder, name);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static OverlaysOptions OverlaysOf(string site) => new() { Region = Region, Local = site };
}
