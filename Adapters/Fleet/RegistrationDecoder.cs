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
    RegistrationTrust trust, IOptions<InventoryOptions> options, RegistrationMeter meter) : IJetStreamDecoder
{
    private const string SourceEnd = "-registration";

    /// <summary>The name of an overlay's source of registrations.</summary>
    public static string SourceOf(string overlay) => overlay + SourceEnd;

    public DecodedMessage Decode(in JetStreamMessage message)
    {
        var overlay = message.Source[..^SourceEnd.Length];
        return AdapterOutput.TryRead(message.Payload.Span, out var opened)
            ? Read(
                message,
                overlay,
                opened.Sender,
                Encoding.UTF8.GetBytes(opened.Body),
                new NodeRegistration(null, "", null, CredentialStanding.None))
            : DecodeRequest(message, overlay);
    }

    /// <summary>Who registered, without a look at the proof or at what is said; null when it is no registration.</summary>
    public static string? SenderOrNull(ReadOnlySpan<byte> payload) =>
        AdapterOutput.TryRead(payload, out var opened) ? opened.Sender
        : ChoriaEnvelope.TryDecodeRequest(
            payload, out var received, out _) && received.Request.Agent == RegistrationBody.Agent && !received.Proof.IsInsecure
            ? received.Request.Sender
            : null;

    private DecodedMessage DecodeRequest(in JetStreamMessage message, string overlay)
    {
        if (!ChoriaEnvelope.TryDecodeRequest(message.Payload.Span, out var received, out var fault))
        {
            meter.Read("unreadable");
            return DecodedMessage.Poison($"not a registration: {fault}");
        }

        // Anyone may ask the agent of that name; nodes in provisioning mode register too, and prove nothing.
        if (received.Request.Agent != RegistrationBody.Agent || received.Proof.IsInsecure)
        {
            meter.Read("insecure");
            return DecodedMessage.Ignore;
        }

        if (trust.Judge(received, overlay, message.StoredAt, out _) is not var (key, standing))
        {
            // Not poison: a node that nobody vouches for would fill the dead letters every five minutes.
            meter.Read("refused");
            return DecodedMessage.Ignore;
        }

        var place = received.Headers.Trace is [{ In: var broker }, ..] ? broker : "";
        return Read(message, overlay, received.Request.Sender, received.Request.Body, new NodeRegistration(null, place, key, standing));
    }

    private DecodedMessage Read(
        in JetStreamMessage message, string overlay, string identity, ReadOnlyMemory<byte> body, NodeRegistration proof)
    {
        if (identity.Length == 0
            || !RegistrationBody.TryDecode(body.Span, out var registered, out var fault, InventoryReader.DocumentBytesMax))
        {
            meter.Read("unreadable");
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
        meter.Read(proof.Standing switch
        {
            CredentialStanding.Verified => "verified",
            CredentialStanding.Expired => "expired",
            _ => "opened",
        });
        return DecodedMessage.Event(
            identity,
            new FleetEvent(
                identity,
                FleetEventKind.Registration,
                ChoriaSubjects.ServerComponent,
                inventory?.Version,
                message.StoredAt,
                message.StoredAt,
                overlay,
                message.Sequence, EventId: null, proof with { Inventory = inventory }));
    }
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
