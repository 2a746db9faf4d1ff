using System.Diagnostics.CodeAnalysis;

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

    private static readonly WireFields Fields = new(["protocol", "sender", "data"], []);

    /// <summary>Reads an adapter's message. Never throws for what it may hold.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="decoded">What it says.</param>
    /// <param name="fault">What is wrong.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out AdapterOutput? decoded, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (decoded, fault) = (null, null);
        try
        {
            decoded = Read(payload);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }

    private static AdapterOutput Read(ReadOnlySpan<byte> payload)
    {
        var cursor = new WireCursor(payload, ChoriaLayer.Registration);
        var sender = "";
        var body = Array.Empty<byte>();
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    if (cursor.ReadString() is not (Current or JetStream or Streaming))
                    {
                        throw cursor.Fault("is not that of a data adapter");
                    }

                    break;
                case "sender":
                    sender = cursor.ReadNonEmptyString();
                    break;
                default:
                    body = cursor.ReadUtf8();
                    break;
            }
        }

        cursor.End();
        return new AdapterOutput(sender, body);
    }
}
