using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.TestKit;

/// <summary>A throw-away certificate authority and what it signs, as files that servers and clients read.</summary>
public sealed class TestPki : IDisposable
{
    private static readonly DateTimeOffset NotBefore = TimeProvider.System.GetUtcNow().AddHours(-1);

    private readonly bool _ownsFolder;
    private readonly X509Certificate2 _authority;

    private TestPki(string folder, bool ownsFolder, string name)
    {
        Folder = folder;
        _ownsFolder = ownsFolder;
        _authority = Authority(name);
        AuthorityPath = Path.Combine(folder, "ca.pem");
        File.WriteAllText(AuthorityPath, _authority.ExportCertificatePem());
        WriteSecret(Path.Combine(folder, "ca.key"), _authority.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    public string Folder { get; }

    /// <summary>The CA certificate, PEM; its key lies beside it as <c>ca.key</c>.</summary>
    public string AuthorityPath { get; }

    /// <summary>Makes a CA in a folder; in a temporary one that is removed on dispose when none is given.</summary>
    public static TestPki Create(string? folder = null, string name = "ControlPlane throw-away CA")
    {
        var place = folder ?? Directory.CreateTempSubdirectory("controlplane-pki-").FullName;
        Directory.CreateDirectory(place);
        return new TestPki(place, folder is null, name);
    }

    /// <summary>A certificate for a server on the loopback and any further names.</summary>
    public PkiFiles ServerCertificate(string name, params string[] dnsNames) => Issue(name, ["localhost", .. dnsNames], IPAddress.Loopback);

    /// <summary>A certificate that names one client, or one node.</summary>
    public PkiFiles ClientCertificate(string name) => Issue(name, [name], address: null);

    /// <summary>A certificate that names by a URI what one end of a connection between silos and clients is.</summary>
    public PkiFiles PeerCertificate(string name, string uri)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Issue(name, new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256), key, [], address: null, uri);
    }

    /// <summary>A certificate of an RSA key for one who calls nodes of protocol v1.</summary>
    public PkiFiles CallerCertificate(string name)
    {
        using var key = TestRsa.For("caller");
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return Issue(name, request, key, [name], address: null);
    }

    public void Dispose()
    {
        _authority.Dispose();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private PkiFiles Issue(string name, string[] dnsNames, IPAddress? address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Issue(name, new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256), key, dnsNames, address);
    }

    private PkiFiles Issue(
        string name, CertificateRequest request, AsymmetricAlgorithm key, string[] dnsNames, IPAddress? address, string? uri = null)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var dnsName in dnsNames)
        {
            names.AddDnsName(dnsName);
        }

        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        if (uri is not null)
        {
            names.AddUri(new Uri(uri));
        }

        // Both usages, as Choria's own certificates have: a node is a client of its broker and may serve.
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        // By a generator, since the key that signs may be of another kind than the key that is signed.
        var signer = X509SignatureGenerator.CreateForECDsa(_authority.GetECDsaPrivateKey()!);
        using var certificate = request.Create(
            _authority.SubjectName, signer, NotBefore, NotBefore.AddYears(1), RandomNumberGenerator.GetBytes(16));

        var files = new PkiFiles(Path.Combine(Folder, $"{name}.pem"), Path.Combine(Folder, $"{name}.key"));
        File.WriteAllText(files.CertificatePath, certificate.ExportCertificatePem());
        WriteSecret(files.KeyPath, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(NotBefore, NotBefore.AddYears(2));
    }

    private static void WriteSecret(string path, string pem)
    {
        File.WriteAllText(path, "");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(path, pem);
    }
}

/// <param name="CertificatePath">The certificate, PEM.</param>
/// <param name="KeyPath">Its private key, PKCS#8 PEM, readable by the owner only.</param>
public sealed record PkiFiles(string CertificatePath, string KeyPath);
