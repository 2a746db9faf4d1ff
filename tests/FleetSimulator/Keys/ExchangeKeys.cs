using NSec.Cryptography;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>X25519 as the agent uses it to receive a private key.</summary>
internal static class ExchangeKeys
{
    public const int PrivateKeyBytes = 32;

    private static readonly KeyAgreementAlgorithm Algorithm = KeyAgreementAlgorithm.X25519;

    public static byte[] PublicKeyOf(ReadOnlySpan<byte> privateKey)
    {
        using var key = Key.Import(Algorithm, privateKey, KeyBlobFormat.RawPrivateKey);
        return key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
    }

    /// <summary>The shared secret, or null when the other side's key is not one.</summary>
    public static byte[]? SharedSecretOrNull(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> othersPublicKey)
    {
        using var key = Key.Import(Algorithm, privateKey, KeyBlobFormat.RawPrivateKey);
        if (!PublicKey.TryImport(Algorithm, othersPublicKey, KeyBlobFormat.RawPublicKey, out var others))
        {
            return null;
        }

        using var secret = Algorithm.Agree(
            key, others!, new SharedSecretCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        return secret?.Export(SharedSecretBlobFormat.RawSharedSecret);
    }
}
