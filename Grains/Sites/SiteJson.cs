using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Sites;

/// <summary>How sites write to each other: JSON, since what comes over a network must be readable without trusting it.</summary>
internal static class SiteJson
{
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

    public static byte[] Write<T>(T message) => JsonSerializer.SerializeToUtf8Bytes(message, Options);

    /// <exception cref="FormatException">It is no message of that kind; the text says where.</exception>
    public static T Read<T>(ReadOnlySpan<byte> message)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(message, Options) ?? throw new FormatException("the message is null");
        }
        catch (Exception unreadable) when (unreadable is JsonException or NotSupportedException)
        {
            throw new FormatException($"the message cannot be read: {unreadable.Message}", unreadable);
        }
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
