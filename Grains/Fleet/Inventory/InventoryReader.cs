using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using ControlPlane.Filters;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Reads what nodes say of themselves, and leaves out what is too much. Pure.</summary>
public static class InventoryReader
{
    /// <summary>The largest document that is looked at.</summary>
    public const int DocumentBytesMax = 1024 * 1024;

    /// <summary>The most facts in JSON that are kept of one node.</summary>
    public const int FactsBytesMax = 256 * 1024;

    /// <summary>The most classes that are kept.</summary>
    public const int ClassesMax = 2_000;

    /// <summary>The most agents that are kept.</summary>
    public const int AgentsMax = 256;

    private const int CollectivesMax = 64;
    private const int NameCharsMax = 256;
    private const int DepthMax = 32;

    /// <summary>
    /// Reads the answer to <c>rpcutil#inventory</c>, or the content of an inventory registration, which differ in how they name agents and
    /// version. Null when it is no such object.
    /// </summary>
    public static NodeInventory? ReadOrNull(
        string identity, ReadOnlyMemory<byte> json, InventorySource source, DateTimeOffset at, InventoryOptions options) =>
        Parse(json) is { } document ? Read(document, identity, source, at, options) : null;

    /// <summary>Reads the content of a file registration: a JSON object of facts, or nothing that we can use.</summary>
    public static NodeInventory? ReadFactsOrNull(string identity, ReadOnlyMemory<byte> json, DateTimeOffset at, InventoryOptions options)
    {
        using var document = Parse(json);
        if (document is null)
        {
            return null;
        }

        var dropped = 0;
        var facts = Facts(document.RootElement, options, ref dropped);
        return Make(identity, InventorySource.RegisteredFile, at, facts, [], [], [], null, dropped) with
        {
            MachineId = MachineId(document.RootElement, options),
        };
    }

    private static NodeInventory Read(
        JsonDocument document, string identity, InventorySource source, DateTimeOffset at, InventoryOptions options)
    {
        using (document)
        {
            var root = document.RootElement;
            var dropped = 0;
            return Make(
                identity,
                source,
                at,
                root.TryGetProperty("facts", out var facts) ? Facts(facts, options, ref dropped) : "{}"u8.ToArray(),
                Names(root, "classes", ClassesMax, ref dropped),
                Names(root, "agents", AgentsMax, ref dropped),
                Names(root, "collectives", CollectivesMax, ref dropped),
                Version(root),
                dropped) with
            {
                MachineId = facts.ValueKind == JsonValueKind.Object ? MachineId(facts, options) : null,
            };
        }
    }

    private static JsonDocument? Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > DocumentBytesMax)
        {
            return null;
        }

        try
        {
            var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DepthMax });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[] Facts(JsonElement facts, InventoryOptions options, ref int dropped)
    {
        if (facts.ValueKind != JsonValueKind.Object)
        {
            return "{}"u8.ToArray();
        }

        using var kept = new MemoryStream();
        using (var writer = new Utf8JsonWriter(kept, new JsonWriterOptions { SkipValidation = true }))
        {
            writer.WriteStartObject();
            foreach (var fact in facts.EnumerateObject())
            {
                if (options.IsIgnored(fact.Name))
                {
                    continue;
                }

                var bytes = Encoding.UTF8.GetByteCount(fact.Name) + Encoding.UTF8.GetByteCount(fact.Value.GetRawText());
                if (fact.Name.Length > NameCharsMax || writer.BytesCommitted + writer.BytesPending + bytes > FactsBytesMax)
                {
                    dropped++;
                    continue;
                }

                fact.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return kept.ToArray();
    }

    private static string? MachineId(JsonElement facts, InventoryOptions options) =>
        options.MachineIdPaths.Select(
            path => FactPath.FindOrNull(facts, path)).FirstOrDefault(id => id is { Length: > 0 and <= NameCharsMax });

    // An array of names in an answer; of objects that have a name in a registration.
    private static string[] Names(JsonElement root, string property, int max, ref int dropped)
    {
        if (!root.TryGetProperty(property, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        var names = new List<string>();
        foreach (var element in list.EnumerateArray())
        {
            var name = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("name", out var named) ? named : element;
            if (name.ValueKind == JsonValueKind.String && name.GetString() is { Length: > 0 and <= NameCharsMax } text && names.Count < max)
            {
                names.Add(text);
            }
            else
            {
                dropped++;
            }
        }

        return [.. names];
    }

    private static string? Version(JsonElement root)
    {
        var holder = root.TryGetProperty("build_info", out var build) && build.ValueKind == JsonValueKind.Object ? build : root;
        return holder.TryGetProperty("version", out var version)
            && version.ValueKind == JsonValueKind.String && version.GetString() is { Length: <= NameCharsMax } text
                ? text
                : null;
    }

    private static NodeInventory Make(
        string identity, InventorySource source, DateTimeOffset at, byte[] facts, string[] classes, string[] agents, string[] collectives,
        string? version, int dropped)
    {
        var digest = new XxHash128();
        digest.Append([(byte)source]);
        digest.Append(facts);
        foreach (var names in new[] { classes, agents, collectives, [version ?? ""] })
        {
            // Lengths keep lists apart that would read the same one after the other.
            digest.Append(BitConverter.GetBytes(names.Length));
            foreach (var name in names)
            {
                digest.Append(Encoding.UTF8.GetBytes(name));
                digest.Append([0]);
            }
        }

        return new NodeInventory(
            identity, source, at, facts, classes, agents, collectives, version, Convert.ToHexStringLower(digest.GetCurrentHash()), dropped);
    }
}
