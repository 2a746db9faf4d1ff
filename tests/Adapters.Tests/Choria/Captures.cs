namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;

/// <summary>The recorded traffic of real Choria programs; see fixtures/choria/README.md.</summary>
internal static class Captures
{
    public static readonly string[] Folders =
        ["v1-plain-nats", "v1-x509", "v2-aaa", "v2-issuer", "v2-plain-nats", "v2-variants", "stream-replicator", "extras"];

    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "fixtures", "choria");

    public static JsonNode Vectors { get; } = JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "choria-test-vectors.json")))!;

    public static string Text(string folder, string file) => File.ReadAllText(Path.Combine(Root, folder, file));

    public static IEnumerable<JsonNode> Lines(string folder, string file) =>
        File.ReadLines(Path.Combine(Root, folder, file)).Select(line => JsonNode.Parse(line)!);

    public static IReadOnlyList<CapturedMessage> Messages(string folder) =>
        [.. Lines(folder, "messages.jsonl").Zip(Lines(folder, "decoded.jsonl"), Read)];

    public static IEnumerable<CapturedMessage> AllMessages() => Folders.SelectMany(Messages);

    public static IEnumerable<CapturedMessage> Requests() =>
        AllMessages().Where(message => message.Kind.Contains(".request", StringComparison.Ordinal));

    public static IEnumerable<CapturedMessage> Replies() =>
        AllMessages().Where(message => message.Kind.Contains(".reply", StringComparison.Ordinal));

    public static CapturedMessage Message(string folder, int number) => Messages(folder).Single(message => message.Number == number);

    public static byte[] PayloadOf(JsonNode line) => line["payload_utf8"] is { } text
        ? Encoding.UTF8.GetBytes(text.GetValue<string>())
        : Convert.FromBase64String(line["payload_b64"]!.GetValue<string>());

    private static CapturedMessage Read(JsonNode raw, JsonNode decoded)
    {
        Assert.Equal(raw["n"]!.GetValue<int>(), decoded["n"]!.GetValue<int>());
        return new CapturedMessage(
            raw["n"]!.GetValue<int>(), raw["subject"]!.GetValue<string>(), decoded["kind"]!.GetValue<string>(), PayloadOf(raw), decoded);
    }
}

internal sealed record CapturedMessage(int Number, string Subject, string Kind, byte[] Payload, JsonNode Decoded)
{
    public override string ToString() => $"{Number} {Kind}";
}
