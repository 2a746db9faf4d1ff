using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Private keys in files. What is wrong with one is said without what is in it.</summary>
internal static class KeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = ~(OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>Writes a file whole or not at all, readable by its owner only from the first moment.</summary>
    public static void WriteAtomically(string path, string text)
    {
        var draft = path + ".new";
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Reads the key of a certificate: PKCS#8, encrypted or not, PKCS#1 or SEC 1.</summary>
    /// <exception cref="IssuerMisconfiguredException">It cannot be read, others can read it, or it is another certificate's.</exception>
    public static AsymmetricAlgorithm Read(string path, string? passphrasePath, X509Certificate2 certificate)
    {
        RequirePrivate(path);
        try
        {
            var pem = File.ReadAllText(path);
            var passphrase = passphrasePath is null ? null : File.ReadAllText(passphrasePath).TrimEnd('\r', '\n');
            AsymmetricAlgorithm key = certificate.GetRSAPublicKey() is not null ? RSA.Create() : ECDsa.Create();
            if (passphrase is null)
            {
                key.ImportFromPem(pem);
            }
            else
            {
                key.ImportFromEncryptedPem(pem, passphrase);
            }

            return key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo())
                ? key
                : throw new IssuerMisconfiguredException($"the key in {path} is not that of '{certificate.Subject}'");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new IssuerMisconfiguredException($"{path} or its passphrase file cannot be read: {unreadable.Message}", unreadable);
        }
        catch (Exception malformed) when (malformed is CryptographicException or ArgumentException)
        {
            throw new IssuerMisconfiguredException($"{path} is not a private key in PEM, or its passphrase is wrong");
        }
    }

    private static void RequirePrivate(string path)
    {
        if (!File.Exists(path))
        {
            throw new IssuerMisconfiguredException($"there is no key file {path}");
        }

        if ((File.GetUnixFileMode(path) & Others) != 0)
        {
            throw new IssuerMisconfiguredException($"{path} may be read by others than its owner; its mode must be 0600 or 0400");
        }
    }
}
