using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats.Callout;

namespace ControlPlane.TestKit;

/// <summary>
/// TLS before a nats-server as Choria's broker does it with a CA, and nats-server cannot: a client may show a certificate, and it is
/// verified if it does. Whether one was shown is told to the callout in the field of CONNECT that nobody decides by, the client's version.
/// </summary>
internal sealed class ClientCertificateFront : IAsyncDisposable
{
    private const string WithCertificate = "behind TLS with a certificate";
    private const string WithoutCertificate = "behind TLS without a certificate";
    private const int LineBytesMax = 64 * 1024;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly SslServerAuthenticationOptions tls;
    private readonly int serverPort;
    private readonly Task accepting;

    public ClientCertificateFront(int serverPort, PkiFiles certificate, string authorityPath)
    {
        this.serverPort = serverPort;
        tls = Options(certificate, authorityPath);
        listener.Start(backlog: 4096);
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>What TLS showed of a connection, behind a front or not.</summary>
    public static LogInTls TlsOf(AuthorizationRequest request) => request.Connect.Version switch
    {
        WithCertificate => LogInTls.WithTrustedCertificate,
        WithoutCertificate => LogInTls.WithoutCertificate,
        _ => request.Tls is null ? LogInTls.None : LogInTls.WithoutCertificate,
    };

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Dispose();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private static SslServerAuthenticationOptions Options(PkiFiles certificate, string authorityPath)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.ImportFromPemFile(authorityPath);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                X509Certificate2.CreateFromPemFile(certificate.CertificatePath, certificate.KeyPath), null, offline: true),
            ClientCertificateRequired = true,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = static (_, shown, _, errors) => shown is null || errors == SslPolicyErrors.None,
        };
    }

    private async Task AcceptAsync()
    {
        while (!ending.IsCancellationRequested)
        {
            var client = await listener.AcceptTcpClientAsync(ending.Token);
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            try
            {
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, serverPort, ending.Token);
                await PassAsync(client.GetStream(), server.GetStream());
            }
            catch (Exception over) when (over is IOException or SocketException or AuthenticationException or OperationCanceledException)
            {
                // Either side has gone, or who came has no TLS or a certificate that is not trusted.
            }
        }
    }

    private async Task PassAsync(NetworkStream plain, NetworkStream server)
    {
        const string Info = "INFO {";
        var (info, _) = await ReadLineAsync(server);
        await plain.WriteAsync(Encoding.UTF8.GetBytes($"{Info}\"tls_required\":true,{info[Info.Length..]}"), ending.Token);

        await using var client = new SslStream(plain);
        await client.AuthenticateAsServerAsync(tls, ending.Token);
        var shown = client.RemoteCertificate is null ? WithoutCertificate : WithCertificate;
        var (connect, rest) = await ReadLineAsync(client);
        await server.WriteAsync((byte[])[.. Encoding.UTF8.GetBytes(Marked(connect, shown)), .. rest.Span], ending.Token);
        await Task.WhenAny(client.CopyToAsync(server, ending.Token), server.CopyToAsync(client, ending.Token));
    }

    private static string Marked(string line, string shown)
    {
        const string Connect = "CONNECT ";
        try
        {
            if (line.StartsWith(Connect, StringComparison.OrdinalIgnoreCase) && JsonNode.Parse(line[Connect.Length..]) is JsonObject fields)
            {
                fields["version"] = shown;
                return $"{Connect}{fields.ToJsonString()}\r\n";
            }
        }
        catch (JsonException)
        {
            // The server says so.
        }

        return line;
    }

    private async Task<(string Line, ReadOnlyMemory<byte> More)> ReadLineAsync(Stream stream)
    {
        var read = new byte[LineBytesMax];
        var length = 0;
        int end;
        while ((end = read.AsSpan(0, length).IndexOf((byte)'\n')) < 0)
        {
            var count = await stream.ReadAsync(read.AsMemory(length), ending.Token);
            length += count > 0 ? count : throw new IOException("the connection ended within a line, or the line is too long");
        }

        return (Encoding.UTF8.GetString(read, 0, end + 1), read.AsMemory(end + 1, length - end - 1));
    }
}
