using System.Net.Security;
using System.Security.Cryptography;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Api;

/// <summary>The API's own TLS certificate and its intermediates, read again when its file changes. Thread-safe.</summary>
internal sealed partial class ServerCertificate(string certificateFile, string keyFile, ILogger logger)
{
    private readonly Lock _reading = new();
    private SslStreamCertificateContext? _current;
    private (FileStamp, FileStamp) _readAs;
    private (FileStamp, FileStamp)? _refusedAs;

    /// <summary>The certificate in force; the last good one while a new one cannot be read.</summary>
    public SslStreamCertificateContext Current()
    {
        lock (_reading)
        {
            var stamp = (FileStamp.Of(certificateFile), FileStamp.Of(keyFile));
            if (_current is null || stamp != _readAs)
            {
                try
                {
                    _current = PemCertificates.ReadOwn(certificateFile, keyFile);
                }
                catch (Exception unreadable) when (_current is not null
                    && unreadable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
                {
                    // Half of a renewal: the certificate is new and the key still old. The next handshake looks again.
                    if (_refusedAs != stamp)
                    {
                        LogKept(unreadable.Message);
                    }

                    _refusedAs = stamp;
                    return _current!;
                }

                _readAs = stamp;
            }

            return _current;
        }
    }

    [LoggerMessage(LogLevel.Error, "The API's certificate cannot be read again; the last good one stays in force: {Reason}")]
    private partial void LogKept(string reason);
}
