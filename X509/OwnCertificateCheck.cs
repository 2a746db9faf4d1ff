using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.X509;

/// <summary>Judges a certificate that the silo shows to others, and the key that goes with it, before anybody meets them. Pure.</summary>
public static class OwnCertificateCheck
{
    /// <summary>Shown by a client: to a broker, a CA, a node.</summary>
    public const string ClientAuthentication = Oids.ClientAuthentication;

    /// <summary>Shown by a server: our own API.</summary>
    public const string ServerAuthentication = Oids.ServerAuthentication;

    /// <summary>What is wrong, each a phrase that follows the name of the certificate's setting; empty when nothing.</summary>
    /// <param name="certificatePem">The certificate's file; its own certificate comes first.</param>
    /// <param name="keyPem">The key's file.</param>
    /// <param name="purpose">The extended key usage that whoever sees it demands; null when that looks at none.</param>
    /// <param name="now">The time.</param>
    public static IReadOnlyList<string> Faults(string certificatePem, string keyPem, string? purpose, DateTimeOffset now)
    {
        try
        {
            return [.. OwnFaults(PemCertificates.Read(certificatePem)[0], keyPem, purpose, now)];
        }
        catch (CryptographicException fault)
        {
            return [$"names a file that must hold certificates in PEM, the own one first, its intermediates below it: {fault.Message}"];
        }
    }

    /// <summary>The same of files; a file that is not named or not there is not this check's to tell of.</summary>
    public static IReadOnlyList<string> Faults(
        string? certificateFile, string? keyFile, Func<string, string> read, string? purpose, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(certificateFile) || string.IsNullOrEmpty(keyFile))
        {
            return [];
        }

        try
        {
            return Faults(read(certificateFile), read(keyFile), purpose, now);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [$"names a file that this user may not read, or its key is one: {unreadable.Message}"];
        }
    }

    /// <summary>When the first certificate of a file ends; null when there is none to read.</summary>
    public static DateTimeOffset? EndOrNull(string certificatePem)
    {
        try
        {
            return PemCertificates.Read(certificatePem)[0].NotAfter.ToUniversalTime();
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static IEnumerable<string> OwnFaults(X509Certificate2 certificate, string keyPem, string? purpose, DateTimeOffset now)
    {
        var (begin, end) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        if (now >= end)
        {
            yield return $"names a certificate that ended at {end:O}; renew it";
        }

        if (now < begin)
        {
            yield return $"names a certificate that is not valid before {begin:O}; wait, or set this machine's clock";
        }

        if (purpose is not null && Purposes(certificate) is { } purposes && !purposes.Contains(purpose))
        {
            yield return $"names a certificate that is not for {(purpose == ServerAuthentication ? "serverAuth" : "clientAuth")}, "
                + "which its extended key usages must hold; have it issued anew";
        }

        if (!IsOfKey(certificate, keyPem))
        {
            yield return "names a certificate that does not belong to the key beside it; name the pair that was made together, "
                + "the key in PEM without a passphrase";
        }
    }

    // Without the extension it is for everything.
    private static List<string?>? Purposes(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault() is { } usages
            ? [.. usages.EnhancedKeyUsages.Cast<Oid>().Select(oid => oid.Value)]
            : null;

    private static bool IsOfKey(X509Certificate2 certificate, string keyPem)
    {
        try
        {
            using var pair = PemCertificates.WithKey(certificate, keyPem);
            return true;
        }
        catch (Exception other) when (other is CryptographicException or ArgumentException)
        {
            return false;
        }
    }
}
