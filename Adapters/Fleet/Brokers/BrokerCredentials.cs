using System.Net.Security;
using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>What one login shows a broker. Read from the files for each login, so that a replaced file counts at the next one.</summary>
internal sealed record BrokerCredentials(
    string? User, string? Password, string? Token, byte[]? Seed, SslStreamCertificateContext? Certificate)
    : IDisposable
{
    /// <exception cref="BrokerLoginException">A file cannot be read, or holds something else.</exception>
    public static BrokerCredentials Read(BrokerLoginOptions network) => new(
        network.User,
        Read(network.PasswordFile, nameof(network.PasswordFile), SecretFile.Read),
        Read(network.TokenFile, nameof(network.TokenFile), SecretFile.Read),
        Read(network.SeedFile, nameof(network.SeedFile), SecretFile.ReadHex),
        Read(network.CertificateFile, nameof(network.CertificateFile), file => PemCertificates.ReadOwn(file, network.KeyFile!)));

    /// <summary>The token for a broker whose greeting held a nonce, or did not.</summary>
    /// <remarks>
    /// A broker without a nonce has no issuers to verify tokens by. Choria's then refuses every token that comes with a good client
    /// certificate, which alone would have been enough.
    /// </remarks>
    public string? TokenFor(string? nonce) => nonce is null && Certificate is not null ? null : Token;

    /// <summary>The signature of a nonce as Choria's brokers take it; null without a nonce or a key.</summary>
    public string? Sign(string? nonce)
    {
        if (nonce is null || Seed is null)
        {
            return null;
        }

        using var key = Ed25519Key.FromSeed(Seed);
        return NatsNonce.Sign(key, nonce);
    }

    public void Dispose()
    {
        Certificate?.TargetCertificate.Dispose();
        CryptographicOperations.ZeroMemory(Seed);
    }

    private static T? Read<T>(string? path, string setting, Func<string, T> read)
        where T : class
    {
        try
        {
            return path is null ? null : read(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or CryptographicException
            or ArgumentException or InvalidOperationException)
        {
            throw new BrokerLoginException($"{setting} '{path}' cannot be used: {unreadable.Message}", unreadable);
        }
    }
}

/// <summary>The silo is not connected to a broker; the message says why, in words for the operator.</summary>
internal sealed class BrokerLoginException(string message, Exception? inner = null) : Exception(message, inner);
