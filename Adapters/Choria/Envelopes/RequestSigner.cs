namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

/// <summary>How a caller proves itself to nodes. Thread-safe; keeps no request.</summary>
public abstract class RequestSigner
{
    /// <summary>What stands in the place of signature and credential when there are none.</summary>
    internal const string InsecureWord = "insecure";

    private protected RequestSigner()
    {
    }

    /// <summary>Does not sign: enough for nodes in provisioning mode, in both protocols, and served by no other.</summary>
    public static RequestSigner Insecure { get; } = new None();

    internal static ReadOnlySpan<byte> InsecureMark => "insecure"u8;

    /// <summary>Signs V2 requests with the key of a client token.</summary>
    /// <param name="key">The key; the caller of this method goes on owning it.</param>
    /// <param name="callerToken">The token of the caller that the request names.</param>
    public static RequestSigner WithToken(Ed25519Key key, string callerToken) => new Token(key, callerToken, null);

    /// <summary>Signs V2 requests in another caller's place, as an authentication delegator.</summary>
    /// <param name="key">The key of <paramref name="signerToken"/>.</param>
    /// <param name="callerToken">The token of the caller that the request names.</param>
    /// <param name="signerToken">The delegator's own token.</param>
    public static RequestSigner Delegated(Ed25519Key key, string callerToken, string signerToken) =>
        new Token(key, callerToken, signerToken);

    /// <summary>Signs V1 requests with the RSA key of a certificate.</summary>
    /// <param name="key">The key; the caller of this method goes on owning it.</param>
    /// <param name="certificatePem">The certificate, optionally followed by intermediates.</param>
    public static RequestSigner WithCertificate(RSA key, string certificatePem) => new Certificate(key, certificatePem);

    internal abstract Seal Sign(ChoriaProtocol protocol, ReadOnlySpan<byte> request);

    internal readonly record struct Seal(byte[] Signature, string Credential, string? SignerToken);

    private sealed class None : RequestSigner
    {
        // As nodes of V1 write it: the word itself where others have base64, which it happens to be.
        private static readonly byte[] WordV1 = Convert.FromBase64String(InsecureWord);

        internal override Seal Sign(ChoriaProtocol protocol, ReadOnlySpan<byte> request) =>
            new(protocol == ChoriaProtocol.V1 ? WordV1 : InsecureMark.ToArray(), InsecureWord, null);
    }

    private sealed class Token(Ed25519Key key, string callerToken, string? signerToken) : RequestSigner
    {
        internal override Seal Sign(ChoriaProtocol protocol, ReadOnlySpan<byte> request) => protocol == ChoriaProtocol.V2
            ? new Seal(key.Sign(request), callerToken, signerToken)
            : throw new ArgumentException("tokens sign protocol V2 only", nameof(protocol));
    }

    private sealed class Certificate(RSA key, string certificatePem) : RequestSigner
    {
        internal override Seal Sign(ChoriaProtocol protocol, ReadOnlySpan<byte> request) => protocol == ChoriaProtocol.V1
            ? new Seal(SignData(request), certificatePem, null)
            : throw new ArgumentException("certificates sign protocol V1 only", nameof(protocol));

        private byte[] SignData(ReadOnlySpan<byte> request) =>
            key.SignData(request, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}

/// <summary>The certificate inside a V1 request.</summary>
internal static class RequestCertificate
{
    /// <summary>The caller's own first; intermediates may follow.</summary>
    /// <remarks>
    /// Read as nodes read it, who skip what is no block: what is skipped cannot make a request believed that would not be without it.
    /// </remarks>
    /// <exception cref="CryptographicException">A block holds something else.</exception>
    public static X509Certificate2Collection Read(string pem)
    {
        var certificates = new X509Certificate2Collection();
#pragma warning disable RS0030 // A stranger's words; this library sees no files.
        certificates.ImportFromPem(pem);
#pragma warning restore RS0030
        return certificates;
    }

    public static bool Verifies(string certificatePem, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
    {
        try
        {
            return Read(certificatePem) is [var certificate, ..] && Verifies(certificate, bytes, signature);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public static bool Verifies(X509Certificate2 certificate, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
    {
        using var key = certificate.GetRSAPublicKey();
        return key is not null && key.VerifyData(bytes, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}
