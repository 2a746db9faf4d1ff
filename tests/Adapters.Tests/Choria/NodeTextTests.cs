namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CsCheck;

/// <summary>What nodes write of themselves can be read by whoever looks at it afterwards.</summary>
public sealed class NodeTextTests
{
    private const string Replaced = "\uFFFD";

    [Theory]
    [InlineData("""{"a":"\ud800"}""", Replaced)]
    [InlineData("""{"a":"\udc00x"}""", Replaced + "x")]
    [InlineData("""{"a":"\ud800\ud83d\ude00"}""", Replaced + "😀")]
    [InlineData("""{"a":"\ud83d\ude00"}""", "😀")]
    [InlineData("""{"a":"\\ud800"}""", "\\ud800")]
    [InlineData("""{"a":"\"\\\ud800"}""", "\"\\" + Replaced)]
    [InlineData("""{"a":"\uD8"}""", null)]
    public void WellFormed_ReplacesHalfCharacters_AsGoDoes(string json, string? expected)
    {
        var mended = NodeText.WellFormed(Encoding.UTF8.GetBytes(json));

        if (expected is null)
        {
            Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(mended));
            return;
        }

        using var document = JsonDocument.Parse(mended);
        Assert.Equal(expected, document.RootElement.GetProperty("a").GetString());
    }

    [Fact]
    public void WellFormed_ReplacesWhatIsNotUtf8()
    {
        using var document = JsonDocument.Parse(NodeText.WellFormed(Encoding.Latin1.GetBytes("""{"ort":"München"}""")));

        Assert.Equal($"M{Replaced}nchen", document.RootElement.GetProperty("ort").GetString());
    }

    [Fact]
    public void WellFormed_LeavesAlone_WhatIsWellFormed()
    {
        ReadOnlyMemory<byte> json = Encoding.UTF8.GetBytes("""{"a":"ü\u00fc\ud83d\ude00\n","b":[1,"\\"]}""");

        Assert.True(NodeText.WellFormed(json).Equals(json));
    }

    [Fact]
    public void WellFormed_MakesEveryTextReadable_WhateverWasWritten() =>
        Gen.Select(Gen.OneOf(Gen.Char, Gen.Char['\ud7f0', '\ue00f']).Array[0, 12], Gen.Bool).Sample((characters, escapes) =>
        {
            var text = new StringBuilder();
            foreach (var character in characters)
            {
                _ = escapes || character is '"' or '\\' || char.IsControl(character)
                    ? text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)character:x4}")
                    : text.Append(character);
            }

            // Half characters that are not escaped cannot be written by .NET; other writers make three bytes of each.
            var bytes = characters.SelectMany(Raw).ToArray();
            foreach (var json in new[] { Encoding.UTF8.GetBytes($$"""{"{{text}}":["{{text}}"]}"""), [.. "[\""u8, .. bytes, .. "\"]"u8] })
            {
                var mended = NodeText.WellFormed(json);
                Assert.True(Utf8.IsValid(mended.Span));
                AssertReadable(mended);
            }
        });

    /// <summary>Whoever looks at any text of a document gets it; what is no JSON is nobody's.</summary>
    internal static void AssertReadable(ReadOnlyMemory<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = ChoriaLimits.JsonDepthMax });
        }
        catch (JsonException)
        {
            return;
        }

        using (document)
        {
            Walk(document.RootElement);
        }
    }

    private static void Walk(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Walk(item);
                }

                break;
            case JsonValueKind.Object:
                _ = element.TryGetProperty("a name that is not there", out _);
                foreach (var property in element.EnumerateObject())
                {
                    _ = property.Name;
                    Walk(property.Value);
                }

                break;
        }
    }

    private static IEnumerable<byte> Raw(char character) => character is '"' or '\\' || char.IsControl(character)
        ? Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"))
        : character < 0x80
            ? [(byte)character]
            : [(byte)(0xe0 | (character >> 12)), (byte)(0x80 | ((character >> 6) & 0x3f)), (byte)(0x80 | (character & 0x3f))];
}
