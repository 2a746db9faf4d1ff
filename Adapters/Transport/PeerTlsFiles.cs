using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Transport;

/// <summary>The own certificate and the CAs of the others, as the files hold them now. Thread-safe.</summary>
/// <remarks>
/// The files are read whole at each handshake, which costs more than that by far: so no change is missed, however it was made, and
/// symbolic links that Kubernetes swaps are followed. While a renewal is half done, the last good ones stay in force.
/// </remarks>
internal sealed partial class PeerTlsFiles(PeerCredentials.Certificate files, ILogger logger)
{
    private readonly Lock reading = new();
    private Held? held;

    /// <exception cref="IOException">They cannot be read, and never could.</exception>
    /// <exception cref="CryptographicException">As of <see cref="IOException"/>.</exception>
    public TlsMaterial Current()
    {
        lock (reading)
        {
            try
            {
                var text = new Text(
                    File.ReadAllText(files.CertificateFile), File.ReadAllText(files.KeyFile), File.ReadAllText(files.CaFile));
                if (held is null || held.Text != text)
                {
                    var own = PemCertificates.Own(PemCertificates.Read(text.Certificate), text.Key);
                    held = new Held(text, new TlsMaterial(own, PemCertificates.Read(text.Authorities)));
                    LogRead(own.TargetCertificate.NotAfter.ToUniversalTime());
                }
            }
            catch (Exception unreadable) when (held is not null
                && unreadable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                LogKept(unreadable.Message);
            }

            return held!.Material;
        }
    }

    private sealed record Held(Text Text, TlsMaterial Material);

    // Holds a key: not for any log.
    private sealed record Text(string Certificate, string Key, string Authorities)
    {
        public override string ToString() => "***";
    }

    [LoggerMessage(LogLevel.Information, "The silo's ports use a certificate that is valid until {NotAfter}")]
    private partial void LogRead(DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Error, "The certificate for the silo's ports cannot be read again; the last good one stays in force: {Reason}")]
    private partial void LogKept(string reason);
}

/// <param name="Own">What we show.</param>
/// <param name="Authorities">To which the other's must lead.</param>
internal sealed record TlsMaterial(SslStreamCertificateContext Own, X509Certificate2Collection Authorities);
