using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ControlPlane.TestKit;

/// <summary>Ports of the loopback that nobody listens on.</summary>
public static class LoopbackPort
{
    // Below Linux's range for outgoing connections (32768 and up), so that a client of another test cannot take the port between our
    // look and the start of the process that is meant to listen there.
    private const int Lowest = 12_000;
    private const int Highest = 32_000;
    private const int TriesMax = 100;

    /// <summary>A port that was free when asked; whoever starts on it should still be ready to try another.</summary>
    public static int Free()
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var port = RandomNumberGenerator.GetInt32(Lowest, Highest);
            if (IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"no free port found between {Lowest} and {Highest} in {TriesMax} tries");
    }

    /// <summary>Whether nobody listens on it now.</summary>
    public static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
