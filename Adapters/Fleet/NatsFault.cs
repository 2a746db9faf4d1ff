using System.Threading.Channels;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Tells what the client library throws when a broker fails us, for ports to say in their own words.</summary>
internal static class NatsFault
{
    /// <summary>Whether the library says so that a call failed; also that the silo has closed its connections, or is about to.</summary>
    public static bool Is(Exception fault) => fault is NatsException or ObjectDisposedException or ChannelClosedException;
}
