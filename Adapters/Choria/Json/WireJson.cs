namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

/// <summary>
/// Reads and writes Choria's JSON. Whatever is wrong with what is read becomes a <see cref="ChoriaFault"/> that names layer and path.
/// </summary>
internal static class WireJson
{
    private const int PathCharactersMax = 64;
    private const int WordsCharactersMax = 160;

    // In JSON they stand in strings only.
    private static readonly SearchValues<byte> EscapedByGo = SearchValues.Create("<>&"u8);

    public static ChoriaJson Types { get; } = new(new JsonSerializerOptions(ChoriaJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = null,
    });

    /// <summary>Writes as Go's encoder does: what Choria makes from the same values, this makes.</summary>
    public static byte[] Write<T>(T value, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        var rest = json.AsSpan();
        if (!rest.ContainsAny(EscapedByGo))
        {
            return json;
        }

        var escaped = new ArrayBufferWriter<byte>(json.Length * 2);
        for (var at = rest.IndexOfAny(EscapedByGo); at >= 0; at = rest.IndexOfAny(EscapedByGo))
        {
            escaped.Write(rest[..at]);
            escaped.Write(rest[at] switch { (byte)'<' => "\\u003c"u8, (byte)'>' => "\\u003e"u8, _ => "\\u0026"u8 });
            rest = rest[(at + 1)..];
        }

        escaped.Write(rest);
        return escaped.WrittenSpan.ToArray();
    }

    /// <exception cref="ChoriaFormatException">It is not of the type.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, ChoriaLayer layer, string prefix = "")
    {
        Require(json.Length <= ChoriaLimits.PayloadBytesMax, layer, prefix, $"is larger than {ChoriaLimits.PayloadBytesMax} bytes");
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new ChoriaFormatException(new ChoriaFault(layer, prefix, "is null"));
        }
        catch (JsonException malformed)
        {
            throw new ChoriaFormatException(FaultOf(malformed, layer, prefix), malformed);
        }
    }

    /// <summary>Runs a reader of one kind of message, whose exception becomes a fault.</summary>
    public static bool TryRead<TInput, T>(
        TInput input, Func<TInput, T> read, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out ChoriaFault? fault)
        where TInput : allows ref struct
        where T : notnull
    {
        try
        {
            (value, fault) = (read(input), null);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            (value, fault) = (default, unreadable.Fault);
            return false;
        }
    }

    public static void Require([DoesNotReturnIf(false)] bool holds, ChoriaLayer layer, string field, string problem)
    {
        if (!holds)
        {
            throw new ChoriaFormatException(new ChoriaFault(layer, field, problem));
        }
    }

    // The runtime's path is "$.name" and ends before a name that is missing; its words begin with a capital and ours do not.
    private static ChoriaFault FaultOf(JsonException malformed, ChoriaLayer layer, string prefix)
    {
        const string missing = "was missing required properties including: '";
        var words = malformed.Message.Split(" Path: ")[0];
        var path = prefix + malformed.Path?.TrimStart('$');
        if (words.IndexOf(missing, StringComparison.Ordinal) is >= 0 and var at)
        {
            path += "." + words[(at + missing.Length)..].Split('\'')[0];
            words = "is missing";
        }
        else if (words.StartsWith("Duplicate property", StringComparison.Ordinal))
        {
            words = "appears twice";
        }

        // Names in the path may come from outside, and the start of a broken literal in the words.
        words = char.IsLower(words[0]) ? words : $"cannot be read: {NodeText.Cut(words, WordsCharactersMax)}";
        return new ChoriaFault(layer, NodeText.Cut(path.TrimStart('.'), PathCharactersMax), words);
    }
}
