using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>Opens a private key that a provisioner made for the node: PEM, AES-256-CBC, the password an X25519 secret.</summary>
internal static class TransferredKeys
{
    private const string Label = "RSA PRIVATE KEY";
    private const string InfoLine = "DEK-Info: AES-256-CBC,";
    private const int SaltBytes = 8;

    public static bool TryDecrypt(
        string pem,
        string provisionerKeyHex,
        byte[]? exchangeKey,
        [NotNullWhen(true)] out byte[]? key,
        [NotNullWhen(false)] out string? fault)
    {
        key = null;
        fault = null;
        try
        {
            if (exchangeKey is null)
            {
                fault = "private key not set";
                return false;
            }

            if (ExchangeKeys.SharedSecretOrNull(exchangeKey, Convert.FromHexString(provisionerKeyHex)) is not { } secret)
            {
                fault = "the ECDH public key is not one";
                return false;
            }

            key = Decrypt(pem, secret);
            using var rsa = RSA.Create();
            rsa.ImportRSAPrivateKey(key, out _);
            return true;
        }
        catch (Exception wrong) when (wrong is FormatException or CryptographicException)
        {
            key = null;
            fault = $"could not decrypt the private key: {wrong.Message}";
            return false;
        }
    }

    private static byte[] Decrypt(string pem, byte[] secret)
    {
        var begin = pem.IndexOf($"-----BEGIN {Label}-----", StringComparison.Ordinal);
        var info = pem.IndexOf(InfoLine, StringComparison.Ordinal);
        var end = pem.IndexOf($"-----END {Label}-----", StringComparison.Ordinal);
        if (begin < 0 || info < begin || end < info)
        {
            throw new FormatException("key is not encrypted");
        }

        var afterInfo = pem[(info + InfoLine.Length)..end];
        var lineEnd = afterInfo.IndexOf('\n', StringComparison.Ordinal);
        var iv = Convert.FromHexString(afterInfo[..Math.Max(lineEnd, 0)].Trim());
        var cipherText = Convert.FromBase64String(afterInfo[(lineEnd + 1)..]);
        using var aes = Aes.Create();
        aes.Key = PasswordKey(secret, iv.AsSpan(0, SaltBytes));
        return aes.DecryptCbc(cipherText, iv);
    }

    // OpenSSL's EVP_BytesToKey with MD5 and one round, which is what encrypted PEM of the old kind means.
    private static byte[] PasswordKey(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt)
    {
#pragma warning disable CA5351 // The format says MD5.
        var first = MD5.HashData([.. secret, .. salt]);
        var second = MD5.HashData([.. first, .. secret, .. salt]);
#pragma warning restore CA5351
        return [.. first, .. second];
    }
}
