using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Infra;

/// <summary>A connection as an agent makes it: TLS after INFO, unverified, and any CONNECT; shows what the server refuses.</summary>
internal sealed class AgentConnection : IAsyncDisposable
{
    private readonly TcpClient _client;
    private readonly SslStream _stream;
    private readonly StreamReader _reader;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task _hearing;

    private AgentConnection(TcpClient client, SslStream stream, string? nonce)
    {
        _client = client;
        _stream = stream;
        _reader = new StreamReader(stream, Encoding.UTF8);
        Nonce = nonce;
        _hearing = HearAsync();
    }

    /// <summary>The nonce of INFO; null without one.</summary>
    public string? Nonce { get; }

    /// <summary>What the server said to CONNECT; null when it took it.</summary>
    public string? LoginFault { get; private set; }

    public static Task<AgentConnection> OpenAsync(
        int port, object connect, CancellationToken cancellationToken, X509Certificate2? certificate = null) =>
        OpenAsync(port, _ => connect, cancellationToken, certificate);

    /// <param name="port">Where.</param>
    /// <param name="connect">Makes the fields of CONNECT for the nonce of INFO.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="certificate">The client certificate to show.</param>
    public static async Task<AgentConnection> OpenAsync(
        int port, Func<string?, object> connect, CancellationToken cancellationToken, X509Certificate2? certificate = null)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", port, cancellationToken);
        var greeting = await ReadLineAsync(client.GetStream(), cancellationToken);
        var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1",
                ClientCertificates = certificate is null ? null : [certificate],
#pragma warning disable CA5359 // An agent in provisioning mode verifies nothing.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            },
            cancellationToken);
        var connection = new AgentConnection(client, stream, NonceOf(greeting));
        connection.LoginFault = await connection.SayAsync(
            $"CONNECT {JsonSerializer.Serialize(connect(connection.Nonce))}\r\n", cancellationToken);
        return connection;
    }

    /// <summary>What the server said to the subscription; null when it took it.</summary>
    public Task<string?> SubscribeAsync(string subject, CancellationToken cancellationToken) =>
        SayAsync($"SUB {subject} 1\r\n", cancellationToken);

    /// <summary>What the server said to the message; null when it took it.</summary>
    public Task<string?> PublishAsync(string subject, CancellationToken cancellationToken) =>
        SayAsync($"PUB {subject} 1\r\nx\r\n", cancellationToken);

    /// <summary>The last thing that the server says before it ends the connection, which it must within three minutes.</summary>
    public async Task<string?> UntilClosedAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Readiness.Deadline);
        string? last = null;
        while (await ReadAsync(deadline.Token) is { } line)
        {
            last = line;
        }

        return last;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _client.Dispose();
        await _hearing;
        _reader.Dispose();
        _writing.Dispose();
    }

    // The server answers in order: what it has against the line comes before the PONG.
    private async Task<string?> SayAsync(string line, CancellationToken cancellationToken)
    {
        string? fault = null;
        try
        {
            await WriteAsync(line + "PING\r\n", cancellationToken);
            string? answer;
            while ((answer = await ReadAsync(cancellationToken)) is not (null or "PONG"))
            {
                fault = answer.StartsWith("-ERR", StringComparison.Ordinal) ? answer : fault;
            }

            fault ??= answer is null ? "the server closed the connection" : null;
        }
        catch (IOException closed)
        {
            fault ??= closed.Message;
        }

        return fault;
    }

    // All the while, as an agent does: whoever leaves the server's pings unanswered is put out as stale.
    private async Task HearAsync()
    {
        try
        {
            while (await _reader.ReadLineAsync(CancellationToken.None) is { } line)
            {
                if (line == "PING")
                {
                    await WriteAsync("PONG\r\n", CancellationToken.None);
                }
                else
                {
                    _lines.Writer.TryWrite(line);
                }
            }

            _lines.Writer.Complete();
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            _lines.Writer.Complete(closed);
        }
    }

    // Null when the server closed the connection.
    private async Task<string?> ReadAsync(CancellationToken cancellationToken) =>
        await _lines.Reader.WaitToReadAsync(cancellationToken) && _lines.Reader.TryRead(out var line) ? line : null;

    private async Task WriteAsync(string lines, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await _stream.WriteAsync(Encoding.UTF8.GetBytes(lines), cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    private static string? NonceOf(string greeting)
    {
        using var info = JsonDocument.Parse(greeting["INFO ".Length..]);
        return info.RootElement.TryGetProperty("nonce", out var nonce) ? nonce.GetString() : null;
    }

    // Byte by byte: what follows the line belongs to the TLS handshake.
    private static async Task<string> ReadLineAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        do
        {
            await stream.ReadExactlyAsync(one, cancellationToken);
            line.Append((char)one[0]);
        }
        while (one[0] != '\n');
        return line.ToString();
    }
}
