using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Benchmarks.Fleet;

/// <summary>Facts of 10 KB for each of an overlay's nodes: most of them shared by many, some of each node alone, as Puppet's are.</summary>
internal static class FactsSource
{
    public const int Nodes = 20_000;
    public const int BytesMin = 10 * 1024;

    private const int SharedFacts = 160;
    private const int SharedValues = 12;
    private const int DisksMax = 6;
    private const int OwnChars = 16;

    private static readonly string[] Countries = ["uk", "de", "fr", "us", "jp", "br", "in", "za"];
    private static readonly string[] Families = ["Debian", "RedHat", "Suse"];

    public static string IdentityOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node{node:00000}.bench.example.net");

    public static byte[] Make(int node)
    {
        var random = new Random(node);
        using var facts = new MemoryStream();
        using (var json = new Utf8JsonWriter(facts))
        {
            json.WriteStartObject();
            json.WriteString("machine_id", Own(random) + Own(random));
            json.WriteString("fqdn", IdentityOf(node));
            json.WriteString("country", Countries[node % Countries.Length]);
            json.WriteNumber("processors", 1 << random.Next(7));
            json.WriteNumber("memory_mb", random.Next(1, 513) * 1024);
            json.WriteBoolean("is_virtual", random.Next(10) > 0);
            json.WriteStartObject("os");
            json.WriteString("family", Families[node % Families.Length]);
            json.WriteStartObject("release");
            json.WriteNumber("major", random.Next(7, 14));
            json.WriteEndObject();
            json.WriteEndObject();
            Disks(json, random);
            for (var fact = 0; fact < SharedFacts; fact++)
            {
                json.WriteString($"shared_fact_{fact:000}", $"a value that many nodes have {random.Next(SharedValues)}");
            }

            for (var own = 0; json.BytesCommitted + json.BytesPending < BytesMin; own++)
            {
                json.WriteString($"own_{own:00}", Own(random));
            }

            json.WriteEndObject();
        }

        return facts.ToArray();
    }

    /// <summary>What <c>inventory_content</c> would register.</summary>
    public static byte[] Registration(int node) => Encoding.UTF8.GetBytes(
        $$"""{"agents":[{"name":"rpcutil"},{"name":"puppet"}],"classes":["role::{{(node % 5 == 0 ? "db" : "web")}}","profile::base"],"facts":"""
        + Encoding.UTF8.GetString(Make(node)) + ""","collectives":["choria"],"build_info":{"version":"0.30.2"}}""");

    private static void Disks(Utf8JsonWriter json, Random random)
    {
        json.WriteStartArray("disks");
        for (var disks = random.Next(1, DisksMax); disks > 0; disks--)
        {
            json.WriteStartObject();
            json.WriteString("serial", Own(random));
            json.WriteNumber("size_gb", 1 << random.Next(6, 13));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Own(Random random) => random.GetHexString(OwnChars, lowercase: true);
}
