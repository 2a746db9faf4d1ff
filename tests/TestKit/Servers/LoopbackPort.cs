using System.Net;
using System.Net.Sockets;

namespace ControlPlane.TestKit;

/// <summary>Ports of the loopback that nobody listens on.</summary>
/// <remarks>
/// Each test program has a block of ports of its own and gives them in turn: what a server listens on that is down for a moment, or has not
/// started yet, is given to nobody else meanwhile. Who started on a port of another's would be taken for it.
/// </remarks>
public static class LoopbackPort
{
    // Below Linux's range for outgoing connections (32768 and up), which take ports by themselves.
    private const int Lowest = 12_000;
    private const int BlockSize = 2_000;
    private const int Blocks = 10;

    private static readonly (FileStream Lock, int First) Block = TakeBlock();
    private static int given;

    /// <summary>A port that was free when asked; whoever starts on it should still be ready to try another.</summary>
    public static int Free()
    {
        for (var tries = 0; tries < BlockSize; tries++)
        {
            var port = Block.First + (int)((uint)Interlocked.Increment(ref given) % BlockSize);
            if (IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"no free port found from {Block.First} to {Block.First + BlockSize - 1}");
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

    // Until the program ends, however it ends: the lock is the operating system's.
    private static (FileStream Lock, int First) TakeBlock()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"controlplane-ports-{Environment.UserName}"));
        for (var block = 0; block < Blocks; block++)
        {
            try
            {
                var taken = new FileStream(
                    Path.Combine(folder.FullName, $"{block}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return (taken, Lowest + (block * BlockSize));
            }
            catch (IOException)
            {
                // Another test program has it.
            }
        }

        throw new InvalidOperationException($"{Blocks} test programs run already; wait until one has ended");
    }
}
