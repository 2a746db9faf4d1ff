using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Fleet.Brokers;

/// <summary>
/// A broker that looks at a login as Choria's does: TLS after INFO, a new nonce each time, its signature in one encoding only, the token in
/// one field only. Behind it just enough of NATS for a client to find itself connected.
/// </summary>
internal sealed class StrictBroker : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closing = new();
    private readonly ConcurrentDictionary<Socket, byte> open = new();
    private readonly Task accepting;

    public StrictBroker()
    {
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>The server certificate; plain without one.</summary>
    public PkiFiles? Certificate { get; set; }

    /// <summary>Whether TLS comes before INFO.</summary>
    public bool TlsFirst { get; set; }

    /// <summary>Whether INFO has a nonce: a broker without issuers or signers offers none, and refuses every token.</summary>
    public bool OffersNonce { get; set; } = true;

    /// <summary>The public key of the token's holder.</summary>
    public byte[]? PublicKey { get; set; }

    /// <summary>The password that is right now; any when null.</summary>
    public string? Password { get; set; }

    /// <summary>Other brokers of the cluster, host:port.</summary>
    public IReadOnlyList<string> ConnectUrls { get; set; } = [];

    /// <summary>What it answers to <c>$SYS.REQ.USER.INFO</c>; nobody answers when null, as before nats-server 2.10.</summary>
    public string? UserInformation { get; set; }

    /// <summary>Said in the clear right behind INFO, as somebody in between might.</summary>
    public string Injected { get; set; } = "";

    /// <summary>The CONNECT of each login.</summary>
    public ConcurrentQueue<JsonElement> Logins { get; } = new();

    /// <summary>What it said to logins that it refused.</summary>
    public ConcurrentQueue<string> Refusals { get; } = new();

    /// <summary>All lines that clients sent after CONNECT.</summary>
    public ConcurrentQueue<string> Heard { get; } = new();

    /// <summary>Ends every connection, as a broker that goes away.</summary>
    public void Cut()
    {
        foreach (var socket in open.Keys)
        {
            socket.Close();
        }
    }

    /// <summary>Goes away for good.</summary>
    public void Stop()
    {
        closing.Cancel();
        listener.Stop();
        Cut();
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            var socket = await listener.AcceptSocketAsync(closing.Token);
            open[socket] = 0;
            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var plain = new NetworkStream(socket, ownsSocket: true);
            Stream stream = plain;
            if (Certificate is not null && TlsFirst)
            {
                stream = await SecureAsync(plain);
            }

            var nonce = OffersNonce
                ? Convert.ToBase64String(RandomNumberGenerator.GetBytes(11)).TrimEnd('=').Replace('+', '-').Replace('/', '_')
                : null;
            await SayAsync(stream, $"INFO {InfoOf(nonce)}\r\n{Injected}");
            if (Certificate is not null && !TlsFirst)
            {
                stream = await SecureAsync(plain);
            }

            await TalkAsync(stream, nonce);
        }
        catch (Exception ended) when (ended is IOException or SocketException or ObjectDisposedException
            or System.Security.Authentication.AuthenticationException)
        {
            // The client went, or was cut off.
        }
        finally
        {
            open.TryRemove(socket, out _);
        }
    }

    private async Task<Stream> SecureAsync(Stream plain)
    {
        var secure = new SslStream(plain);
        using var pem = X509Certificate2.CreateFromPemFile(Certificate!.CertificatePath, Certificate.KeyPath);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(pem, additionalCertificates: null, offline: true),
            ClientCertificateRequired = true,
#pragma warning disable CA5359 // What is tested here is the client.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        });
        return secure;
    }

    private string InfoOf(string? nonce) => JsonSerializer.Serialize(new Dictionary<string, object?>
    {
        ["server_id"] = "STRICT", ["version"] = "2.14.2", ["proto"] = 1, ["headers"] = true, ["max_payload"] = 1 << 20,
        ["auth_required"] = true, ["tls_required"] = Certificate is not null && !TlsFirst,
        ["connect_urls"] = ConnectUrls, ["nonce"] = nonce,
    }.Where(field => field.Value is not null).ToDictionary());

    private async Task TalkAsync(Stream stream, string? nonce)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(closing.Token) is { } line)
        {
            var words = line.Split(' ');
            switch (words[0])
            {
                case "CONNECT" when RefusalOf(JsonDocument.Parse(line["CONNECT ".Length..]).RootElement, nonce) is { } refusal:
                    Refusals.Enqueue(refusal);
                    await SayAsync(stream, "-ERR 'Authorization Violation'\r\n");
                    return;

                case "CONNECT":
                    break;

                case "PING":
                    await SayAsync(stream, "PONG\r\n");
                    break;

                case "PUB":
                    Heard.Enqueue(line);
                    await reader.ReadLineAsync(closing.Token);
                    await AnswerAsync(stream, words);
                    break;

                default:
                    Heard.Enqueue(line);
                    break;
            }
        }
    }

    // Its log has the reason, the client hears that it is a violation.
    private string? RefusalOf(JsonElement connect, string? nonce)
    {
        Logins.Enqueue(connect);
        if (Password is not null && Text(connect, "pass") != Password)
        {
            return "wrong password";
        }

        if (Text(connect, "auth_token") is null)
        {
            return PublicKey is null ? null : "no token";
        }

        return nonce is null ? "no issuers"
            : PublicKey is not null && !NatsNonce.Verify(PublicKey, nonce, Text(connect, "sig") ?? "") ? "wrong signature"
            : null;
    }

    private async Task AnswerAsync(Stream stream, string[] words)
    {
        if (words is [_, "$SYS.REQ.USER.INFO", var reply, _])
        {
            await SayAsync(stream, UserInformation is { } body
                ? $"MSG {reply} 0 {Encoding.UTF8.GetByteCount(body)}\r\n{body}\r\n"
                : $"HMSG {reply} 0 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
        }
    }

    private static string? Text(JsonElement connect, string field) =>
        connect.TryGetProperty(field, out var value) ? value.GetString() : null;

    private static async Task SayAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
}
