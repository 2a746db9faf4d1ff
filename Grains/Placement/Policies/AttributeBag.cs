using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Placement.Policies;

/// <summary>The values of one node, laid out in the slots of one policy. Nodes that are alike share one.</summary>
internal sealed class AttributeBag(string json, object?[] slots)
{
    /// <summary>
    /// Longer values are not compared with anything an operator would write; they are cut so that a node cannot fill our
    /// memory.
    /// </summary>
    public const int TextLengthMax = 256;

    /// <summary>How many elements of a list are looked at.</summary>
    public const int ListLengthMax = 64;

    public static AttributeBag Empty { get; } = new(PlacedNode.NoAttributes, []);

    /// <summary>The values by name as canonical JSON: names in order, absent ones left out.</summary>
    public string Json { get; } = json;

    /// <summary>By the attribute's index in the policy: null, string, double, bool or string[].</summary>
    public object?[] Slots { get; } = slots;

    /// <summary>The groups that these values lead to, once asked for.</summary>
    public IReadOnlyList<GroupMembership>? Groups { get; set; }

    public static string Text(object value) => value switch
    {
        string text => text,
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        string[] list => string.Join(',', list),
        _ => "",
    };

    /// <summary>Reads what the policy names out of a request. Values of another type than declared count as absent.</summary>
    public static AttributeBag Read(PlacementPolicy policy, string claimsJson, string enrolmentJson, string factsJson)
    {
        var slots = new object?[policy.Attributes.Count];
        Fill(policy, AttributeSource.Claims, claimsJson, slots);
        Fill(policy, AttributeSource.Enrolment, enrolmentJson, slots);
        Fill(policy, AttributeSource.Facts, factsJson, slots);
        return new AttributeBag(Write(policy, slots), slots);
    }

    /// <summary>Lays stored values out for a policy, which may be another one than they were read for.</summary>
    public static AttributeBag Restore(PlacementPolicy policy, string json)
    {
        var slots = new object?[policy.Attributes.Count];
        if (slots.Length == 0 || json == PlacedNode.NoAttributes)
        {
            return new AttributeBag(json, slots);
        }

        using var document = JsonDocument.Parse(json);
        for (var i = 0; i < slots.Length; i++)
        {
            if (document.RootElement.TryGetProperty(policy.Attributes[i].Name, out var value))
            {
                slots[i] = Convert(value, policy.Attributes[i].Type);
            }
        }

        return new AttributeBag(json, slots);
    }

    private static void Fill(PlacementPolicy policy, AttributeSource source, string json, object?[] slots)
    {
        // Parsing facts of some kilobytes for a policy that names none would be most of a decision's cost.
        if (json is "" or PlacedNode.NoAttributes || !policy.Attributes.Any(attribute => attribute.Source == source))
        {
            return;
        }

        using var document = ParseOrNull(json);
        for (var i = 0; document is not null && i < slots.Length; i++)
        {
            var attribute = policy.Attributes[i];
            if (attribute.Source == source
                && (Find(document.RootElement, attribute.Path) ?? Find(document.RootElement, attribute.Otherwise ?? [])) is { } value)
            {
                slots[i] = Convert(value, attribute.Type);
            }
        }
    }

    private static JsonDocument? ParseOrNull(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException)
        {
            // Facts come from the node: unreadable ones are the same as none.
            return null;
        }
    }

    private static JsonElement? Find(JsonElement element, IReadOnlyList<string> path)
    {
        if (path.Count == 0)
        {
            return null;
        }

        foreach (var step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
            {
                return null;
            }
        }

        return element;
    }

    private static object? Convert(JsonElement value, AttributeType type) => (type, value.ValueKind) switch
    {
        (AttributeType.String, JsonValueKind.String) => Cut(value.GetString()!),
        (AttributeType.Number, JsonValueKind.Number) => value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null,
        // Token extensions and inventory tools often carry numbers and flags as text.
        (AttributeType.Number, JsonValueKind.String) =>
            double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)
                && double.IsFinite(parsed) ? parsed : null,
        (AttributeType.Boolean, JsonValueKind.True) => true,
        (AttributeType.Boolean, JsonValueKind.False) => false,
        (AttributeType.Boolean, JsonValueKind.String) => bool.TryParse(value.GetString(), out var flag) ? flag : null,
        (AttributeType.List, JsonValueKind.Array) => value.EnumerateArray().Take(ListLengthMax)
            .Where(item => item.ValueKind == JsonValueKind.String).Select(item => Cut(item.GetString()!)).ToArray(),
        (AttributeType.List, JsonValueKind.String) => new[] { Cut(value.GetString()!) },
        _ => null,
    };

    private static string Cut(string text) => text.Length <= TextLengthMax ? text : text[..TextLengthMax];

    private static string Write(PlacementPolicy policy, object?[] slots)
    {
        if (Array.TrueForAll(slots, slot => slot is null))
        {
            return PlacedNode.NoAttributes;
        }

        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in policy.Attributes.Select((attribute, i) => (attribute.Name, slots[i]))
                .OrderBy(pair => pair.Name, StringComparer.Ordinal))
            {
                WriteValue(writer, name, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteValue(Utf8JsonWriter writer, string name, object? value)
    {
        switch (value)
        {
            case string text:
                writer.WriteString(name, text);
                break;
            case double number:
                writer.WriteNumber(name, number);
                break;
            case bool flag:
                writer.WriteBoolean(name, flag);
                break;
            case string[] list:
                writer.WriteStartArray(name);
                foreach (var item in list)
                {
                    writer.WriteStringValue(item);
                }

                writer.WriteEndArray();
                break;
        }
    }
}
