using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ControlPlane.Benchmarks.Fleet;

/// <summary>
/// The reference: a dictionary of facts for each node, and LINQ over all of them. Paths are shared, which is more than the simplest code
/// does.
/// </summary>
internal sealed class ScannedFleet
{
    private readonly List<Scanned> nodes = new(FactsSource.Nodes);

    public ScannedFleet()
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var node = 0; node < FactsSource.Nodes; node++)
        {
            using var facts = JsonDocument.Parse(FactsSource.Make(node));
            var flat = new Dictionary<string, string>(StringComparer.Ordinal);
            Flatten(facts.RootElement, "", flat, paths);
            nodes.Add(new Scanned(FactsSource.IdentityOf(node), node % 5 == 0 ? "role::db" : "role::web", flat));
        }
    }

    /// <summary>The queries of <see cref="FleetQueryBenchmark"/>, by hand.</summary>
    public IReadOnlyList<Func<int>> Queries =>
    [
        () => Find(node => Is(node, "country", "uk") && Is(node, "os.family", "Debian")),
        () => Find(node => Number(node, "os.release.major") >= 12 && Number(node, "memory_mb") > 262_144),
        () => Find(node => node.Role == "role::db" && !Is(node, "country", "us")),
        () => Find(
            node => node.Facts.TryGetValue("fqdn", out var name) && Regex.IsMatch(name, "^node0[0-4].*7\\.", RegexOptions.IgnoreCase)),
        () => Find(node => Regex.IsMatch(node.Identity, "^node1999")),
        () => Find(
            node => Is(node, "shared_fact_042", "a value that many nodes have 7") || Is(
                node, "shared_fact_117", "a value that many nodes have 3")),
        () => Find(node => Is(node, "machine_id", "none has it")),
        () => nodes.Where(node => node.Facts.ContainsKey("country")).CountBy(node => node.Facts["country"]).Sum(count => count.Value),
    ];

    private int Find(Func<Scanned, bool> holds)
    {
        var found = nodes.Where(holds).OrderBy(node => node.Identity, StringComparer.Ordinal).ToList();
        return found.Take(FleetQueryBenchmark.PageNodes).Count() + found.Count;
    }

    private static bool Is(Scanned node, string path, string value) =>
        node.Facts.TryGetValue(path, out var fact) && string.Equals(fact, value, StringComparison.OrdinalIgnoreCase);

    private static double Number(Scanned node, string path) =>
        node.Facts.TryGetValue(path, out var fact) && double.TryParse(fact, CultureInfo.InvariantCulture, out var number)
            ? number
            : double.NaN;

    private static void Flatten(JsonElement element, string path, Dictionary<string, string> flat, Dictionary<string, string> paths)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Flatten(member.Value, path.Length > 0 ? $"{path}.{member.Name}" : member.Name, flat, paths);
                }

                break;

            case JsonValueKind.Array:
                foreach (var (position, member) in element.EnumerateArray().Index())
                {
                    Flatten(member, $"{path}.{position}", flat, paths);
                }

                break;

            default:
                paths.TryAdd(path, path);
                flat[paths[path]] = element.ToString();
                break;
        }
    }

    private sealed record Scanned(string Identity, string Role, Dictionary<string, string> Facts);
}
