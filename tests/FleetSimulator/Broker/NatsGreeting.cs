using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>How a connection begins: INFO in the clear, then TLS, whatever the broker says of it.</summary>
internal static class NatsGreeting
{
    private const int InfoBytesMax = 64 * 1024;
    private const int InfoBytesUsual = 1024;

    /// <summary>The nonce of INFO, if there is one, and the encrypted stream. Owns the plain one from then on.</summary>
    /// <exception cref="BrokerException">What came was not INFO, or the broker has no TLS.</exception>
    public static async Task<(string? Nonce, Stream Stream)> ReceiveAsync(
        NetworkStream plain, SslStreamCertificateContext? certificate, bool resumeTls, CancellationToken cancellationToken)
    {
        var (nonce, hasTls) = ReadInfo(await ReadInfoLineAsync(plain, cancellationToken));
        if (!hasTls)
        {
            throw new BrokerException("nats: secure connection not available");
        }

        var secure = new SslStream(plain);
        await secure.AuthenticateAsClientAsync(BrokerTls.Options(certificate, resumeTls), cancellationToken);
        return (nonce, secure);
    }

    private static async Task<byte[]> ReadInfoLineAsync(NetworkStream plain, CancellationToken cancellationToken)
    {
        var buffer = new byte[InfoBytesUsual];
        var length = 0;
        do
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length < InfoBytesMax ? buffer.Length * 2 : throw new BrokerException("INFO is too long"));
            }

            var read = await plain.ReadAsync(buffer.AsMemory(length), cancellationToken);
            length += read > 0 ? read : throw new BrokerException("the broker closed the connection before INFO");
        }
        while (buffer[length - 1] != '\n');

        return buffer[..length];
    }

    private static (string? Nonce, bool HasTls) ReadInfo(byte[] line)
    {
        if (NatsFrameReader.Read(line, out var frame) == 0 || frame.Kind != NatsFrameKind.Info)
        {
            throw new BrokerException("the broker did not begin with INFO");
        }

        var json = new Utf8JsonReader(frame.Body);
        using var info = JsonDocument.ParseValue(ref json);
        var hasTls = Flag(info.RootElement, "tls_required") || Flag(info.RootElement, "tls_available");
        return (info.RootElement.TryGetProperty("nonce", out var nonce) ? nonce.GetString() : null, hasTls);
    }

    private static bool Flag(JsonElement info, string name) =>
        info.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;
}
