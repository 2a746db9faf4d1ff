namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

// What Choria's schemas say of a text, so that it is refused where it is read, under its own path.

internal abstract class TextConverter(int charactersMin, int charactersMax) : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString()!;
        return text.Length < charactersMin ? throw new JsonException("is empty")
            : text.Length > charactersMax ? throw new JsonException($"has more than {charactersMax} characters")
            : text;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

internal sealed class NonEmptyText() : TextConverter(1, int.MaxValue);

/// <summary>A name, a version or an id.</summary>
internal sealed class NameText() : TextConverter(0, ChoriaLimits.NameCharactersMax);

internal sealed class NonEmptyName() : TextConverter(1, ChoriaLimits.NameCharactersMax);

/// <summary>A list of texts, none of which may be null: the runtime does not look at the elements' nullability.</summary>
internal sealed class TextsConverter : JsonConverter<IReadOnlyList<string>>
{
    public override IReadOnlyList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ReadTexts(ref reader);

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var text in value)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    public static List<string> ReadTexts(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("is not a list");
        }

        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            texts.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException("holds what is not a text"));
        }

        return texts;
    }
}

/// <summary>Unix seconds that <see cref="DateTimeOffset"/> can hold: the years 1 to 9999.</summary>
internal sealed class UnixSecondsConverter : JsonConverter<long>
{
    private static readonly long Min = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long Max = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetInt64() is var seconds && seconds >= Min && seconds <= Max
            ? seconds
            : throw new JsonException($"is not between {Min} and {Max}");

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
