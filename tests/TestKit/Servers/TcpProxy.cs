using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace ControlPlane.TestKit;

/// <summary>A network between a client and a server on the loopback: what passes is delayed, and the whole can be cut.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<TcpClient, byte> _open = new();
    private readonly int _port;
    private readonly TimeSpan _delay;
    private readonly Task _accepting;
    private volatile bool _isCut;

    private TcpProxy(int port, TimeSpan delay)
    {
        (_port, _delay) = (port, delay);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"nats://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <param name="port">The server's.</param>
    /// <param name="delay">What each byte waits, in both directions; none by default.</param>
    public static TcpProxy Start(int port, TimeSpan delay = default) => new(port, delay);

    /// <summary>Breaks all connections off, with what is under way in them, and takes no new ones.</summary>
    public void Cut()
    {
        _isCut = true;
        Break();
    }

    /// <summary>Breaks all connections off, with what is under way in them.</summary>
    public void Break()
    {
        foreach (var client in _open.Keys)
        {
            client.Close();
        }
    }

    /// <summary>Takes connections again.</summary>
    public void Heal() => _isCut = false;

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        Break();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_ending.Token);
            if (_isCut)
            {
                client.Close();
            }
            else
            {
                _ = PassAsync(client);
            }
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open[client] = _open[server] = 0;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _port, _ending.Token);
            (client.NoDelay, server.NoDelay) = (true, true);
            var (there, back) = (client.GetStream(), server.GetStream());
            await await Task.WhenAny(PassAsync(there, back), PassAsync(back, there));
        }
        catch (Exception ended) when (ended is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone; so is the other then.
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
            client.Dispose();
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to)
    {
        var passing = Channel.CreateUnbounded<(byte[] Bytes, long At)>();
        var writing = WriteAsync(passing.Reader, to);
        var buffer = new byte[ChunkBytes];
        while (await from.ReadAsync(buffer, _ending.Token) is > 0 and var read)
        {
            passing.Writer.TryWrite((buffer[..read], TimeProvider.System.GetTimestamp()));
        }

        passing.Writer.Complete();
        await writing;
    }

    private async Task WriteAsync(ChannelReader<(byte[] Bytes, long At)> passing, NetworkStream to)
    {
        await foreach (var (bytes, at) in passing.ReadAllAsync(_ending.Token))
        {
            var wait = _delay - TimeProvider.System.GetElapsedTime(at);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _ending.Token);
            }

            await to.WriteAsync(bytes, _ending.Token);
        }
    }
}
