using System.Buffers.Binary;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace NATS.NKeys;

/// <summary>An Ed25519 key pair in the forms that NATS writes. Thread-safe.</summary>
public sealed class KeyPair : IDisposable
{
    private static readonly SignatureAlgorithm Algorithm = SignatureAlgorithm.Ed25519;

    private readonly PrefixByte _purpose;
    private readonly Key _key;

    private KeyPair(PrefixByte purpose, ReadOnlySpan<byte> secret)
    {
        _purpose = purpose;
        _key = Key.Import(
            Algorithm,
            secret,
            KeyBlobFormat.RawPrivateKey,
            new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
    }

    /// <summary>Makes a new key pair from the system's randomness.</summary>
    public static KeyPair CreatePair(PrefixByte prefix)
    {
        Span<byte> secret = stackalloc byte[Seed.SecretLength];
        RandomNumberGenerator.Fill(secret);
        var pair = new KeyPair(prefix, secret);
        CryptographicOperations.ZeroMemory(secret);
        return pair;
    }

    /// <summary>Reads a seed: 58 characters that begin with S.</summary>
    /// <exception cref="NKeysException">It is not a seed.</exception>
    public static KeyPair FromSeed(ReadOnlySpan<char> seed)
    {
        Span<byte> secret = stackalloc byte[Seed.SecretLength];
        var purpose = Seed.Decode(seed, secret);
        var pair = new KeyPair(purpose, secret);
        CryptographicOperations.ZeroMemory(secret);
        return pair;
    }

    /// <summary>The public key: 56 characters, the first of which says what it is for.</summary>
    public string GetPublicKey()
    {
        Span<byte> bytes = stackalloc byte[1 + Algorithm.PublicKeySize + Crc16.Length];
        bytes[0] = (byte)_purpose;
        if (!_key.PublicKey.TryExport(KeyBlobFormat.RawPublicKey, bytes[1..], out _))
        {
            throw new System.Diagnostics.UnreachableException();
        }

        BinaryPrimitives.WriteUInt16LittleEndian(bytes[^Crc16.Length..], Crc16.Of(bytes[..^Crc16.Length]));
        return Base32.Encode(bytes);
    }

    /// <summary>The seed, which is the whole secret.</summary>
    public string GetSeed()
    {
        var secret = _key.Export(KeyBlobFormat.RawPrivateKey);
        var seed = Seed.Encode(_purpose, secret);
        CryptographicOperations.ZeroMemory(secret);
        return seed;
    }

    /// <summary>
    /// Writes the 64 bytes of the signature over <paramref name="message"/> to the start of <paramref name="signature"/>.
    /// </summary>
    /// <exception cref="ArgumentException"><paramref name="signature"/> is shorter than 64 bytes.</exception>
    public void Sign(ReadOnlyMemory<byte> message, Memory<byte> signature)
    {
        if (signature.Length < Algorithm.SignatureSize)
        {
            throw new ArgumentException($"a signature needs {Algorithm.SignatureSize} bytes, not {signature.Length}", nameof(signature));
        }

        Algorithm.Sign(_key, message.Span, signature.Span[..Algorithm.SignatureSize]);
    }

    public void Dispose() => _key.Dispose();
}
