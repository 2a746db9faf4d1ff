namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NSec.Cryptography;

/// <summary>
/// One side of the X25519 exchange by which a private key reaches a node encrypted: the node shows its key in the reply to
/// <c>jwt</c>, we show ours in <c>configure</c>. Meant for one transfer; keeps the private key in locked memory until disposed.
/// </summary>
public sealed class NodeKeyExchange : IDisposable
{
    private const int KeyBytes = 32;
    private const int InitializationVectorBytes = 16;
    private static readonly KeyAgreementAlgorithm Algorithm = KeyAgreementAlgorithm.X25519;

    private readonly Key key;

    private NodeKeyExchange(Key key)
    {
        this.key = key;
        PublicKeyHex = Convert.ToHexStringLower(key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
    }

    /// <summary>What to show to the other side, in hexadecimal.</summary>
    public string PublicKeyHex { get; }

    /// <summary>A new pair from the system's generator.</summary>
    public static NodeKeyExchange Generate() => new(Key.Create(Algorithm));

    /// <summary>The pair of a known private key; for tests against recorded exchanges.</summary>
    public static NodeKeyExchange FromPrivateKey(ReadOnlySpan<byte> privateKey) =>
        new(Key.Import(Algorithm, privateKey, KeyBlobFormat.RawPrivateKey));

    /// <summary>Encrypts an RSA key for the <c>key</c> input of <c>configure</c>: a PKCS#1 PEM in the old encryption of RFC 1423.</summary>
    /// <exception cref="ChoriaFormatException">The other side's key is not one.</exception>
    public string EncryptKey(RSA privateKey, string otherPublicKeyHex)
    {
        ArgumentNullException.ThrowIfNull(privateKey);
        return EncryptKey(
            privateKey.ExportRSAPrivateKey(), otherPublicKeyHex, RandomNumberGenerator.GetBytes(InitializationVectorBytes));
    }

    /// <summary>What a node does with the <c>key</c> and <c>ecdh_public</c> inputs. Never throws for what they may hold.</summary>
    /// <param name="encryptedPem">The encrypted key.</param>
    /// <param name="otherPublicKeyHex">The other side's key.</param>
    /// <param name="privateKeyDer">The PKCS#1 DER of the key.</param>
    /// <param name="fault">What is wrong.</param>
    public bool TryDecryptKey(
        string encryptedPem,
        string otherPublicKeyHex,
        [NotNullWhen(true)] out byte[]? privateKeyDer,
        [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (privateKeyDer, fault) = (null, null);
        try
        {
            privateKeyDer = EncryptedPem.Decrypt(encryptedPem, Agree(otherPublicKeyHex));
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }

    public void Dispose() => key.Dispose();

    internal string EncryptKey(ReadOnlySpan<byte> privateKeyDer, string otherPublicKeyHex, byte[] initializationVector) =>
        EncryptedPem.Encrypt(privateKeyDer, Agree(otherPublicKeyHex), initializationVector);

    /// <summary>The 32 bytes that both sides know afterwards; Choria uses them as they are, without a derivation.</summary>
    internal byte[] Agree(string otherPublicKeyHex)
    {
        if (!Hex.TryDecode(otherPublicKeyHex, KeyBytes, out var bytes)
            || !PublicKey.TryImport(Algorithm, bytes, KeyBlobFormat.RawPublicKey, out var other))
        {
            throw new ChoriaFormatException(new ChoriaFault(ChoriaLayer.Key, "ecdh_public", $"is not {KeyBytes} bytes of hexadecimal"));
        }

        // Null when the other key is of low order: the secret would then be known to everyone.
        var creation = new SharedSecretCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport };
        using var secret = Algorithm.Agree(key, other!, creation)
            ?? throw new ChoriaFormatException(new ChoriaFault(ChoriaLayer.Key, "ecdh_public", "is of low order"));
        return secret.Export(SharedSecretBlobFormat.RawSharedSecret);
    }
}
