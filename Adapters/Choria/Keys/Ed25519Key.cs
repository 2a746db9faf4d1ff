namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using NSec.Cryptography;

/// <summary>An ed25519 key pair as Choria keeps them: a 32 byte seed, in files and messages as lower-case hexadecimal.</summary>
/// <remarks>Thread-safe. The key lives in locked memory until disposed.</remarks>
public sealed class Ed25519Key : IDisposable
{
    public const int SeedBytes = 32;
    public const int PublicKeyBytes = 32;
    public const int SignatureBytes = 64;

    private static readonly SignatureAlgorithm Algorithm = SignatureAlgorithm.Ed25519;
    private readonly Key key;

    private static KeyCreationParameters Exportable => new() { ExportPolicy = KeyExportPolicies.AllowPlaintextExport };

    private Ed25519Key(Key key)
    {
        this.key = key;
        PublicKey = key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        PublicKeyHex = Convert.ToHexStringLower(PublicKey.Span);
    }

    /// <summary>The 32 bytes of the public key.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>The public key as tokens and replies carry it.</summary>
    public string PublicKeyHex { get; }

    /// <summary>A new key from the system's generator.</summary>
    public static Ed25519Key Generate() => new(Key.Create(Algorithm, Exportable));

    /// <exception cref="ArgumentException">The seed is not of 32 bytes.</exception>
    public static Ed25519Key FromSeed(ReadOnlySpan<byte> seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, SeedBytes, nameof(seed));
        return new Ed25519Key(Key.Import(Algorithm, seed, KeyBlobFormat.RawPrivateKey, Exportable));
    }

    /// <summary>Reads a seed file's text: 64 hexadecimal digits, white space around them allowed.</summary>
    /// <exception cref="ChoriaFormatException">It is anything else; the message does not hold it.</exception>
    public static Ed25519Key FromSeedHex(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Hex.TryDecode(text.AsSpan().Trim(), SeedBytes, out var seed)
            ? FromSeed(seed)
            : throw new ChoriaFormatException(new ChoriaFault(ChoriaLayer.Key, "seed", $"is not {SeedBytes} bytes of hexadecimal"));
    }

    /// <summary>Whether a signature over bytes is of the public key. False for keys and signatures of the wrong length too.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureBytes
        && publicKey.Length == PublicKeyBytes
        && NSec.Cryptography.PublicKey.TryImport(Algorithm, publicKey, KeyBlobFormat.RawPublicKey, out var imported)
        && Algorithm.Verify(imported!, bytes, signature);

    /// <summary>Whether a signature in hexadecimal is of a public key in hexadecimal, as <c>gen25519</c> replies carry both.</summary>
    public static bool VerifyHex([NotNullWhen(true)] string? publicKey, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] string? signature) =>
        Hex.TryDecode(publicKey, PublicKeyBytes, out var key)
        && Hex.TryDecode(signature, SignatureBytes, out var decoded)
        && Verify(key, bytes, decoded);

    /// <summary>The 64 bytes of the signature; the same each time.</summary>
    public byte[] Sign(ReadOnlySpan<byte> bytes) => Algorithm.Sign(key, bytes);

    /// <summary>The signature as <c>gen25519</c> replies and trust chains carry it.</summary>
    public string SignHex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(Sign(bytes));

    /// <summary>The content of a seed file. Secret.</summary>
    public string ExportSeedHex() => Convert.ToHexStringLower(key.Export(KeyBlobFormat.RawPrivateKey));

    public void Dispose() => key.Dispose();
}
