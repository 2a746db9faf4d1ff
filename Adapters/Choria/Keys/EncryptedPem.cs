namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;

/// <summary>
/// The encrypted PEM that OpenSSL wrote before PKCS#8, because it is what nodes read: AES-256-CBC, the key made from the secret
/// and the first half of the initialization vector by one round of MD5.
/// </summary>
internal static class EncryptedPem
{
    public const string Label = "RSA PRIVATE KEY";

    private const string CipherName = "AES-256-CBC";
    private const int AesKeyBytes = 32;
    private const int SaltBytes = 8;
    private const int BlockBytes = 16;
    private const int LineCharacters = 64;

    public static string Encrypt(ReadOnlySpan<byte> plain, byte[] secret, byte[] initializationVector)
    {
        using var aes = Aes.Create();
        aes.Key = DeriveKey(secret, initializationVector.AsSpan(0, SaltBytes));
        var encoded = Convert.ToBase64String(aes.EncryptCbc(plain, initializationVector));

        var pem = new StringBuilder();
        pem.Append("-----BEGIN ").Append(Label).Append("-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ").Append(CipherName).Append(',');
        pem.Append(Convert.ToHexStringLower(initializationVector)).Append("\n\n");
        for (var start = 0; start < encoded.Length; start += LineCharacters)
        {
            pem.Append(encoded.AsSpan(start, Math.Min(LineCharacters, encoded.Length - start))).Append('\n');
        }

        return pem.Append("-----END ").Append(Label).Append("-----\n").ToString();
    }

    public static byte[] Decrypt(string pem, byte[] secret)
    {
        var (begin, end) = ($"-----BEGIN {Label}-----", $"-----END {Label}-----");
        var lines = pem.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length < 2 || lines[0] != begin || lines[^1] != end)
        {
            throw Fault("", $"is not PEM of the label {Label}");
        }

        var information = lines.FirstOrDefault(line => line.StartsWith($"DEK-Info: {CipherName},", StringComparison.Ordinal));
        if (information is null
            || !Hex.TryDecode(information.AsSpan(information.IndexOf(',', StringComparison.Ordinal) + 1), BlockBytes, out var vector))
        {
            throw Fault("DEK-Info", $"is not {CipherName} with an initialization vector");
        }

        try
        {
            var body = Convert.FromBase64String(string.Concat(lines[1..^1].Where(line => !line.Contains(':', StringComparison.Ordinal))));
            using var aes = Aes.Create();
            aes.Key = DeriveKey(secret, vector.AsSpan(0, SaltBytes));
            return aes.DecryptCbc(body, vector);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or FormatException)
        {
            throw Fault("", "cannot be decrypted", unreadable);
        }
    }

    internal static byte[] DeriveKey(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt)
    {
        var key = new byte[AesKeyBytes];
#pragma warning disable CA5351 // MD5 because nodes read nothing else; the secret that goes in is 32 random bytes.
        MD5.HashData([.. secret, .. salt], key);
        MD5.HashData([.. key.AsSpan(0, MD5.HashSizeInBytes), .. secret, .. salt], key.AsSpan(MD5.HashSizeInBytes));
#pragma warning restore CA5351
        return key;
    }

    private static ChoriaFormatException Fault(string field, string problem, Exception? inner = null) =>
        new(new ChoriaFault(ChoriaLayer.Key, field, problem), inner);
}
