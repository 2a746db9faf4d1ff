using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Loads a CA from its folder or from the files to import, and makes what is missing.</summary>
internal sealed class AuthorityFolder(string issuer, LocalCaOptions options, TimeProvider time)
{
    // Far more than ten years of renewals; what lies beyond was not written by us.
    private const int IntermediatesMax = 64;

    private string RootPath => Path.Combine(options.DataFolder, "root.pem");

    private string RootKeyPath => Path.Combine(options.DataFolder, "root.key");

    /// <summary>Which intermediates the operator holds: by a file <c>intermediate-002.held</c> beside the certificate.</summary>
    public IReadOnlySet<int> ReadHeld() =>
        Enumerable.Range(0, IntermediatesMax).Where(index => File.Exists(PathOf(index + 1, "held"))).ToHashSet();

    /// <summary>Loads the CA as it stands, its next intermediate made when that is due.</summary>
    /// <exception cref="IssuerMisconfiguredException">A file is missing, unreadable or wrong.</exception>
    public async Task<AuthorityGenerations> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(options.DataFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (options.CertificatePath is not null)
            {
                return Import(options.CertificatePath, options.KeyPath!);
            }

            using var held = await FolderLock.AcquireAsync(options.DataFolder, time, cancellationToken);
            if (!File.Exists(RootPath))
            {
                MakeRoot();
            }

            using var root = PemCertificates.ReadFile(RootPath)[0];
            var generations = Load(root);
            while (generations is null || generations.ShouldPrepareNext(time.GetUtcNow()))
            {
                // A root kept offline is the operator's choice: the CA goes on with what it has, and its health says so.
                if (generations is not null && (!File.Exists(RootKeyPath) || time.GetUtcNow() + options.RenewalLead >= root.NotAfter))
                {
                    break;
                }

                MakeIntermediate(root);
                generations = Load(root);
            }

            return generations;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new IssuerMisconfiguredException($"the CA in {options.DataFolder} cannot be used: {unusable.Message}", unusable);
        }
    }

    private AuthorityGenerations Import(string certificatePath, string keyPath)
    {
        using var certificate = PemCertificates.ReadFile(certificatePath)[0];
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        var usages = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true } || usages?.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign) == false)
        {
            throw new IssuerMisconfiguredException($"'{certificate.Subject}' in {certificatePath} may not sign certificates");
        }

        var above = options.ChainPath is { } chain ? PemCertificates.ReadFile(chain) : [];
        using var key = KeyFile.Read(keyPath, options.KeyPassphrasePath, certificate);
        return new AuthorityGenerations([Join(certificate, key)], [.. above.Select(one => one.RawData)], lead: null, new HashSet<int>());
    }

    private void MakeRoot()
    {
        using var key = SigningKey.Create(options.KeyKind);
        using var certificate = AuthorityMaker.MakeRoot(key, issuer, options, time.GetUtcNow());

        // The key first: a certificate without its key would be found at the next start and could not be used.
        KeyFile.WriteAtomically(RootKeyPath, key.ExportPkcs8PrivateKeyPem() + "\n");
        KeyFile.WriteAtomically(RootPath, certificate.ExportCertificatePem() + "\n");
    }

    private void MakeIntermediate(X509Certificate2 root)
    {
        var number = Enumerable.Range(1, IntermediatesMax).First(candidate => !File.Exists(PathOf(candidate, "pem")));
        using var rootKey = KeyFile.Read(RootKeyPath, passphrasePath: null, root);
        using var key = SigningKey.Create(options.KeyKind);
        using var certificate = AuthorityMaker.MakeIntermediate(key, issuer, options, root, rootKey, time.GetUtcNow());
        KeyFile.WriteAtomically(PathOf(number, "key"), key.ExportPkcs8PrivateKeyPem() + "\n");
        KeyFile.WriteAtomically(PathOf(number, "pem"), certificate.ExportCertificatePem() + "\n");
    }

    private AuthorityGenerations? Load(X509Certificate2 root)
    {
        var intermediates = new List<Authority>();
        for (var number = 1; number <= IntermediatesMax && File.Exists(PathOf(number, "pem")); number++)
        {
            using var certificate = PemCertificates.ReadFile(PathOf(number, "pem"))[0];
            using var key = KeyFile.Read(PathOf(number, "key"), passphrasePath: null, certificate);
            intermediates.Add(Join(certificate, key));
        }

        return intermediates.Count == 0 ? null : new AuthorityGenerations(intermediates, [root.RawData], options.RenewalLead, ReadHeld());
    }

    private static Authority Join(X509Certificate2 certificate, AsymmetricAlgorithm key) => new(certificate, key switch
    {
        RSA rsa => SigningKey.From(rsa),
        ECDsa ecdsa => SigningKey.From(ecdsa),
        _ => throw new System.Diagnostics.UnreachableException(),
    });

    private string PathOf(int number, string extension) =>
        Path.Combine(options.DataFolder, string.Create(CultureInfo.InvariantCulture, $"intermediate-{number:D3}.{extension}"));
}
