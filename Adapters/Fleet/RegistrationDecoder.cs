using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// Reads what nodes register: as they publish it, signed; or as a data adapter of Choria's broker makes it, opened and without the
/// signature, where the broker stands in for the node: on the subjects of adapters alone, to which only brokers may publish.
/// </summary>
/// <remarks>
/// Who spoke and what was said are two questions: whoever spoke is alive, also when what was said cannot be kept. That is left out,
/// counted, and told once.
/// </remarks>
internal sealed class RegistrationDecoder(
    NodeTrust trust, IOptions<InventoryOptions> options, NodeMessageMeter meter, RejectedRegistrations unkept) : IJetStreamDecoder
{
    private const string SourceEnd = "-registration";

    /// <summary>The name of an overlay's source of registrations.</summary>
    public static string SourceOf(string overlay) => overlay + SourceEnd;

    public DecodedMessage Decode(in JetStreamMessage message)
    {
        if (!AdapterOutput.TryDecode(message.Payload.Span, out var opened, out _))
        {
            return DecodeRequest(message);
        }

        // What a broker opened is believed without a signature, and so only where none but brokers may publish.
        if (ChoriaSubjects.IsRegistration(message.Subject))
        {
            meter.Registration("refused");
            return DecodedMessage.Poison("what a broker's data adapter writes, on the subject where nodes publish: somebody forged it");
        }

        return Read(message, opened.Sender, opened.Body, new NodeRegistration(null, "", null, CredentialStatus.None));
    }

    /// <summary>Whose sign of life the message is, its proof and content not looked at; null when it is no registration.</summary>
    public static FleetEvent? SignOrNull(JetStreamMessage message) =>
        SenderOrNull(message) is { Length: > 0 } sender ? SignOf(sender, message, version: null, registered: null) : null;

    private static string? SenderOrNull(in JetStreamMessage message) =>
        AdapterOutput.TryDecode(message.Payload.Span, out var opened, out _)
            ? ChoriaSubjects.IsRegistration(message.Subject) ? null : opened.Sender
        : ChoriaEnvelope.TryDecodeRequest(
            message.Payload.Span, out var received, out _) && received.Request.Agent == RegistrationBody.Agent && !received.Proof.IsInsecure
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

        var place = received.Headers.Trace is [{ In: { Length: <= ChoriaLimits.NameCharactersMax } broker }, ..] ? broker : "";
        return Read(message, received.Request.Sender, received.Request.Body, new NodeRegistration(null, place, key, standing));
    }

    private DecodedMessage Read(in JetStreamMessage message, string identity, ReadOnlyMemory<byte> body, NodeRegistration proof)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            meter.Registration("unreadable");
            return StreamIdentities.Event(SignOf(identity, message, version: null, proof));
        }

        // What an expired credential says is a sign of life, and nothing to act on.
        var inventory = proof.Standing == CredentialStatus.Expired ? null : Keep(message, identity, body);
        meter.Registration(proof.Standing switch
        {
            CredentialStatus.Verified => "verified",
            CredentialStatus.Expired => "expired",
            _ => "opened",
        });
        return StreamIdentities.Event(SignOf(identity, message, inventory?.Version, proof with { Inventory = inventory }));
    }

    private NodeInventory? Keep(in JetStreamMessage message, string identity, ReadOnlyMemory<byte> body)
    {
        var inventory = InventoryOrNull(message, identity, body, out var fault);
        if (inventory is null)
        {
            meter.Unkept();
            unkept.Tell(identity, fault);
        }
        else
        {
            unkept.Forget(identity);
        }

        return inventory;
    }

    private NodeInventory? InventoryOrNull(in JetStreamMessage message, string identity, ReadOnlyMemory<byte> body, out string fault)
    {
        if (!RegistrationBody.TryDecode(body, out var registered, out var unreadable, InventoryReader.DocumentBytesMax))
        {
            fault = unreadable.ToString();
            return null;
        }

        fault = $"it is no JSON object, nested too deeply, or larger than {InventoryReader.DocumentBytesMax} bytes";
        return registered switch
        {
            RegistrationBody.InventoryContent full => InventoryReader.ReadOrNull(
                identity, full.Json, InventorySource.Registration, message.StoredAt, options.Value),
            RegistrationBody.FileContent file => InventoryReader.ReadFactsOrNull(
                identity, NodeText.WellFormed(file.Content), message.StoredAt, options.Value),
            _ => null,
        };
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
