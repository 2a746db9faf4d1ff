using System.Security.Cryptography;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Reads the files that the options name. What is wrong with one is said without what is in it.</summary>
internal static class CfsslFiles
{
    private const int AuthKeyBytesMin = 16;

    /// <summary>The certificates of a PEM file, DER, in their order.</summary>
    public static IReadOnlyList<byte[]> ReadChain(string path)
    {
        try
        {
            return [.. PemCertificates.ReadFile(path).Select(certificate => certificate.RawData)];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new IssuerMisconfiguredException($"the chain cannot be read: {unreadable.Message}", unreadable);
        }
    }

    /// <summary>The key of <c>authsign</c>; null when none is configured.</summary>
    public static byte[]? ReadAuthKey(string? path)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            var key = Convert.FromHexString(File.ReadAllText(path).Trim());
            return key.Length >= AuthKeyBytesMin
                ? key
                : throw new IssuerMisconfiguredException($"the key in {path} has fewer than {AuthKeyBytesMin} bytes");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new IssuerMisconfiguredException($"{path} cannot be read: {unreadable.Message}", unreadable);
        }
        catch (FormatException)
        {
            throw new IssuerMisconfiguredException($"{path} does not hold a key in hexadecimal digits");
        }
    }
}
