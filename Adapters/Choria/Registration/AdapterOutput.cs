using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Choria;

/// <summary>What a data adapter of Choria's broker publishes of a message that it opened: without the node's signature.</summary>
/// <param name="Sender">The node, as the broker opened it.</param>
/// <param name="Body">What the node sent.</param>
public sealed record AdapterOutput(string Sender, ReadOnlyMemory<byte> Body)
{
    private const string Current = "choria:adapters:choria_streams:output:1";

    // The adapters of brokers before 0.25, which differ in the name only.
    private const string JetStream = "choria:adapters:jetstream:output:1";
    private const string Streaming = "choria:adapters:natsstream:output:1";

    /// <summary>Reads an adapter's message. Never throws for what it may hold.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="decoded">What it says.</param>
    /// <param name="fault">What is wrong.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out AdapterOutput? decoded, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(payload, Read, out decoded, out fault);

    private static AdapterOutput Read(ReadOnlySpan<byte> payload)
    {
        const ChoriaLayer layer = ChoriaLayer.Registration;
        var json = WireJson.Read(payload, WireJson.Types.AdapterOutputJson, layer);
        WireJson.Require(json.Protocol is Current or JetStream or Streaming, layer, "protocol", "is not that of a data adapter");
        WireJson.Require(json.Sender is not null, layer, "sender", "is missing");
        WireJson.Require(json.Data is not null, layer, "data", "is missing");
        var body = WireJson.Read(payload[json.Data.Value.Place], WireJson.Types.String, layer, "data");
        return new AdapterOutput(json.Sender, Encoding.UTF8.GetBytes(body));
    }
}

/// <summary>Nothing is required: most messages that are asked are no adapter's, and that shall be said cheaply.</summary>
internal sealed record AdapterOutputJson(
    string? Protocol = null, [property: JsonConverter(typeof(NonEmptyText))] string? Sender = null, RawJson? Data = null);
