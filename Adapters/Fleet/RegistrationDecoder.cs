using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Inventory;
using ControlPlane.Liveness;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// Reads what nodes register: as they publish it, signed; or as a data adapter of Choria's broker makes it, opened and without the
/// signature, where the broker stands in for the node.
/// </summary>
internal sealed class RegistrationDecoder(
    NodeTrust trust, IOptions<InventoryOptions> options, NodeMessageMeter meter) : IJetStreamDecoder
{
    private const string SourceEnd = "-registration";

    /// <summary>The name of an overlay's source of registrations.</summary>
    public static string SourceOf(string overlay) => overlay + SourceEnd;

    public DecodedMessage Decode(in JetStreamMessage message)
    {
        if (!AdapterOutput.TryRead(message.Payload.Span, out var opened))
        {
            return DecodeRequest(message);
        }

        var proof = new NodeRegistration(null, "", null, CredentialStanding.None);
        return Read(message, opened.Sender, Encoding.UTF8.GetBytes(opened.Body), proof);
    }

    /// <summary>Whose sign of life the message is, its proof and content not looked at; null when it is no registration.</summary>
    public static FleetEvent? SignOrNull(JetStreamMessage message) =>
        SenderOrNull(message.Payload.Span) is { Length: > 0 } sender ? SignOf(sender, message, version: null, registered: null) : null;

    private static string? SenderOrNull(ReadOnlySpan<byte> payload) =>
        AdapterOutput.TryRead(payload, out var opened) ? opened.Sender
        : ChoriaEnvelope.TryDecodeRequest(
            payload, out var received, out _) && received.Request.Agent == RegistrationBody.Agent && !received.Proof.IsInsecure
            ? received.Request.Sender
            : null;

    private DecodedMessage DecodeRequest(in JetStreamMessage message)
    {
        if (!ChoriaEnvelope.TryDecodeRequest(message.Payload.Span, out var received, out var fault))
        {
            meter.Registration("unreadable");
            return DecodedMessage.Poison($"not a registration: {fault}");
        }

        // Anyone may ask the agent of that name; nodes in provisioning mode register too, and prove nothing.
        if (received.Request.Agent != RegistrationBody.Agent || received.Proof.IsInsecure)
        {
            meter.Registration("insecure");
            return DecodedMessage.Ignore;
        }

        if (trust.Judge(received, OverlayOf(message), message.StoredAt, out _) is not var (key, standing))
        {
            // Not poison: a node that nobody vouches for would fill the dead letters every five minutes.
            meter.Registration("refused");
            return DecodedMessage.Ignore;
        }

        var place = received.Headers.Trace is [{ In: var broker }, ..] ? broker : "";
        return Read(message, received.Request.Sender, received.Request.Body, new NodeRegistration(null, place, key, standing));
    }

    private DecodedMessage Read(in JetStreamMessage message, string identity, ReadOnlyMemory<byte> body, NodeRegistration proof)
    {
        if (identity.Length == 0
            || !RegistrationBody.TryDecode(body.Span, out var registered, out var fault, InventoryReader.DocumentBytesMax))
        {
            meter.Registration("unreadable");
            return DecodedMessage.Poison("a registration whose body cannot be read");
        }

        // What an expired credential says is a sign of life, and nothing to act on.
        var inventory = proof.Standing == CredentialStanding.Expired ? null : registered switch
        {
            RegistrationBody.InventoryContent full => InventoryReader.ReadOrNull(
                identity, full.Json, InventorySource.Registration, message.StoredAt, options.Value),
            RegistrationBody.FileContent file => InventoryReader.ReadFactsOrNull(identity, file.Content, message.StoredAt, options.Value),
            _ => null,
        };
        meter.Registration(proof.Standing switch
        {
            CredentialStanding.Verified => "verified",
            CredentialStanding.Expired => "expired",
            _ => "opened",
        });
        return DecodedMessage.Event(identity, SignOf(identity, message, inventory?.Version, proof with { Inventory = inventory }));
    }

    private static FleetEvent SignOf(string identity, in JetStreamMessage message, string? version, NodeRegistration? registered) => new(
        identity,
        FleetEventKind.Registration,
        ChoriaSubjects.ServerComponent,
        version,
        message.StoredAt,
        message.StoredAt,
        OverlayOf(message),
        message.Sequence,
        EventId: null,
        registered);

    private static string OverlayOf(in JetStreamMessage message) => message.Source[..^SourceEnd.Length];
}

/// <summary>What a data adapter of Choria's broker publishes.</summary>
/// <param name="Sender">The node, as the broker opened it.</param>
/// <param name="Body">The registration.</param>
internal sealed record AdapterOutput(string Sender, string Body)
{
    private const string Protocol = "choria:adapters:choria_streams:output:1";
    private const int DepthMax = 4;

    public static bool TryRead(ReadOnlySpan<byte> payload, out AdapterOutput opened)
    {
        opened = new AdapterOutput("", "");
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = DepthMax });
        try
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "protocol") != Protocol
                || Text(root, "sender") is not { } sender || Text(root, "data") is not { } data)
            {
                return false;
            }

            opened = new AdapterOutput(sender, data);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
