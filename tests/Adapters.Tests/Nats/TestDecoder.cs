using System.Globalization;
using System.Text;
using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Reads <c>identity number</c>; a body that begins with <c>!</c> is poison, one with <c>-</c> is of no interest.</summary>
internal sealed class TestDecoder : IJetStreamDecoder
{
    public DecodedMessage Decode(in JetStreamMessage message)
    {
        var body = Encoding.UTF8.GetString(message.Payload.Span);
        switch (body[0])
        {
            case '!':
                return DecodedMessage.Poison($"it begins with '!': {body}");

            case '-':
                return DecodedMessage.Ignore;

            default:
                var words = body.Split(' ');
                return DecodedMessage.Event(
                    words[0], new TestEvent(message.Source, words[0], int.Parse(words[1], CultureInfo.InvariantCulture)));
        }
    }
}
