using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using ControlPlane.TestKit;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>The server side of NATS, just enough to see exactly what a node sends and to hand it what was captured.</summary>
internal sealed class RecordingBroker : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly TestPki pki = TestPki.Create();
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly X509Certificate2 certificate;
    private readonly BlockingCollection<string> lines = [];
    private readonly BlockingCollection<Publication> publications = [];
    private readonly ConcurrentDictionary<string, string> subscriptions = [];
    private readonly Task accepting;
    private Stream? client;

    public RecordingBroker(string info)
    {
        var files = pki.ServerCertificate("broker");
        using var pem = X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath);
        certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        listener.Start();
        Info = info;
        accepting = AcceptAsync();
    }

    /// <summary>The JSON that clients are greeted with.</summary>
    public string Info { get; }

    public string Url => $"nats://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>The next control line that a client sent, but for PING and PUB.</summary>
    public string NextLine() => lines.TryTake(out var line, Patience) ? line : throw new TimeoutException("the node sent no line");

    /// <summary>The next message that a client published.</summary>
    public Publication NextPublication(string problem) =>
        publications.TryTake(out var published, Patience) ? published : throw new TimeoutException(problem);

    /// <summary>What has been published and not been taken yet, once the client has answered a ping.</summary>
    public bool PublishedNothing(TimeSpan wait) => !publications.TryTake(out _, wait);

    public async Task DeliverAsync(string subject, byte[] payload)
    {
        var header = Encoding.UTF8.GetBytes($"MSG {subject} {subscriptions[subject]} {payload.Length}\r\n");
        await client!.WriteAsync((byte[])[.. header, .. payload, (byte)'\r', (byte)'\n']);
    }

    /// <summary>Cuts the connection.</summary>
    public void Drop() => client!.Dispose();

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        client?.Dispose();
        await accepting;
        certificate.Dispose();
        pki.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
            }
            catch (Exception over) when (over is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The client went away, or the test is over.
            }
        }
    }

    private async Task ServeAsync(TcpClient accepted)
    {
        using var connection = accepted;
        await connection.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"INFO {Info}\r\n"), stopping.Token);
        var secure = new SslStream(connection.GetStream());
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stopping.Token);
        client = secure;
        subscriptions.Clear();
        while (await ReadLineAsync(secure) is { } line)
        {
            await HandleAsync(secure, line);
        }
    }

    private async Task HandleAsync(SslStream secure, string line)
    {
        var words = line.Split(' ');
        switch (words[0])
        {
            case "PING":
                await secure.WriteAsync("PONG\r\n"u8.ToArray(), stopping.Token);
                return;
            case "PUB":
                var payload = new byte[int.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture)];
                await secure.ReadExactlyAsync(payload, stopping.Token);
                await ReadLineAsync(secure);
                publications.Add(new Publication(words[1], payload));
                return;
            case "SUB":
                subscriptions[words[1]] = words[^1];
                break;
        }

        lines.Add(line);
    }

    private async Task<string?> ReadLineAsync(SslStream secure)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await secure.ReadAsync(one, stopping.Token) == 1)
        {
            line.Add(one[0]);
            if (line.Count >= 2 && line[^2] == '\r' && line[^1] == '\n')
            {
                return Encoding.UTF8.GetString([.. line[..^2]]);
            }
        }

        return null;
    }
}

internal sealed record Publication(string Subject, byte[] Payload);
