using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

internal static class PubAckExtensions
{
    /// <summary>
    /// Throws unless the server has the message. That it had it already is as good: the client's own check takes it for a fault.
    /// </summary>
    /// <exception cref="NatsJSApiException">The server refused it.</exception>
    public static void EnsureStored(this PubAckResponse ack)
    {
        if (ack.Error is { } error)
        {
            throw new NatsJSApiException(error);
        }
    }
}
