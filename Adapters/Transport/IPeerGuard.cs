using Microsoft.AspNetCore.Connections;

namespace ControlPlane.Adapters.Transport;

/// <summary>Stands before Orleans' own greeting on every connection.</summary>
internal interface IPeerGuard
{
    /// <summary>How long both ends may take to prove themselves: Orleans itself gives a connection five seconds to open.</summary>
    static readonly TimeSpan HandshakeMax = TimeSpan.FromSeconds(5);

    /// <summary>For a port that lets in peers of one role.</summary>
    void Accept(IConnectionBuilder port, PeerRole who);

    /// <summary>For connections to silos, made in a role.</summary>
    void Connect(IConnectionBuilder connections, PeerRole ourRole);
}
