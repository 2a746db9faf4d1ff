using System.Globalization;
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Sites;

/// <summary>
/// How sites write to each other: JSON, since what comes over a network must be readable without trusting it. What is long is compressed: a
/// list of thousands of nodes would not fit into a message, and their names are much alike.
/// </summary>
internal static class SiteJson
{
    /// <summary>What a message may be when it is not compressed any more: whoever may speak must not fill our memory.</summary>
    public const int BytesMax = 16 * ISiteLink.MessageBytesMax;

    private const int CompressedFrom = 64 * 1024;
    private const int Quality = 4;
    private const int WindowBits = 22;

    /// <summary>The first byte of what is compressed, by Brotli; JSON never begins by it.</summary>
    private const byte Compressed = 1;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,

        Converters = { new DefinedEnums() },

        // Attributes are JSON themselves: by default each of their quotation marks would take six bytes.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Enumerations go as numbers, as ever; a number that we have no name for is refused where it comes in.</summary>
    private sealed class DefinedEnums : JsonConverterFactory
    {
        public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

        public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
            (JsonConverter)Activator.CreateInstance(typeof(DefinedEnum<>).MakeGenericType(typeToConvert))!;
    }

    private sealed class DefinedEnum<T> : JsonConverter<T>
        where T : struct, Enum
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) && IsDefined((T)Enum.ToObject(typeof(T), number))
                ? (T)Enum.ToObject(typeof(T), number)
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteNumberValue(Convert.ToInt32(value, CultureInfo.InvariantCulture));

        // Of flags also what is made of defined ones, which has a name; what has none is written as a number.
        private static bool IsDefined(T value) => !char.IsAsciiDigit($"{value}"[0]) && $"{value}"[0] != '-';
    }

    public static byte[] Write<T>(T message)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(message, Options);
        return json.Length < CompressedFrom ? json : Compress(json);
    }

    /// <exception cref="FormatException">It is no message of that kind; the text says where.</exception>
    public static T Read<T>(ReadOnlySpan<byte> message)
    {
        try
        {
            var json = message is [Compressed, ..] ? Decompress(message[1..]) : message;
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new FormatException("the message is null");
        }
        catch (Exception unreadable) when (
            unreadable is JsonException or NotSupportedException or InvalidDataException or InvalidOperationException)
        {
            throw new FormatException($"the message cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private static byte[] Compress(ReadOnlySpan<byte> json)
    {
        var message = new byte[1 + BrotliEncoder.GetMaxCompressedLength(json.Length)];
        message[0] = Compressed;
        return BrotliEncoder.TryCompress(json, message.AsSpan(1), out var written, Quality, WindowBits)
            ? message[..(1 + written)]
            : throw new InvalidOperationException("what is compressed is longer than it can become");
    }

    private static ReadOnlySpan<byte> Decompress(ReadOnlySpan<byte> message)
    {
        using var compressed = new MemoryStream(message.ToArray());
        using var reader = new BrotliStream(compressed, CompressionMode.Decompress);
        using var json = new MemoryStream();
        var part = new byte[CompressedFrom];
        for (int read; (read = reader.Read(part)) > 0;)
        {
            if (json.Length + read > BytesMax)
            {
                throw new InvalidDataException($"it becomes longer than {BytesMax} bytes");
            }

            json.Write(part, 0, read);
        }

        return json.GetBuffer().AsSpan(0, (int)json.Length);
    }

    /// <summary>Asks a site something of a channel and reads its answer.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer in time, or nothing that can be read.</exception>
    public static async Task<TAnswer> AskAsync<TQuestion, TAnswer>(
        this ISiteLink link, string site, string channel, TQuestion question, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            return Read<TAnswer>(await link.AskAsync(site, channel, Write(question), patience, cancellationToken));
        }
        catch (FormatException unreadable)
        {
            throw new SiteUnreachableException($"{site} answered something else: {unreadable.Message}", unreadable);
        }
    }
}
