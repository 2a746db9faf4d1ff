using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.TestKit;

/// <summary>The kinds of keys that a <see cref="TestAuthority"/> signs with.</summary>
public enum TestKeyKind
{
    Rsa2048,
    Rsa3072,
    P256,
    P384,
}

/// <summary>A throw-away issuing CA below a root of its own, as enterprises have them.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset NotBefore = TimeProvider.System.GetUtcNow().AddHours(-1);

    private readonly X509Certificate2 _root;

    private TestAuthority(X509Certificate2 root, X509Certificate2 certificate, AsymmetricAlgorithm key)
    {
        _root = root;
        Certificate = certificate;
        Key = key;
    }

    /// <summary>The issuing CA's certificate, without its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The issuing CA's key.</summary>
    public AsymmetricAlgorithm Key { get; }

    /// <summary>The issuing CA's certificate and the root's, DER.</summary>
    public IReadOnlyList<byte[]> Chain => [Certificate.RawData, _root.RawData];

    /// <summary>The issuing CA's certificate and the root's, PEM.</summary>
    public string ChainPem => $"{Certificate.ExportCertificatePem()}\n{_root.ExportCertificatePem()}\n";

    public static TestAuthority Create(TestKeyKind kind, string name = "ControlPlane throw-away")
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = Request($"CN={name} root", rootKey, pathLength: 1);
        var root = rootRequest.CreateSelfSigned(NotBefore, NotBefore.AddYears(2));

        var key = NewKey(kind);
        var request = Request($"CN={name} issuing CA, O=ControlPlane", key, pathLength: 0);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
        var generator = X509SignatureGenerator.CreateForECDsa(rootKey);
        var certificate = request.Create(
            root.SubjectName, generator, NotBefore, NotBefore.AddYears(1), [0x4a, .. RandomNumberGenerator.GetBytes(15)]);
        return new TestAuthority(root, certificate, key);
    }

    /// <summary>A private key of a kind.</summary>
    public static AsymmetricAlgorithm NewKey(TestKeyKind kind) => kind switch
    {
        TestKeyKind.Rsa2048 => RSA.Create(2048),
        TestKeyKind.Rsa3072 => RSA.Create(3072),
        TestKeyKind.P256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        TestKeyKind.P384 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>What signs for the CA; one for each thread.</summary>
    public X509SignatureGenerator Signer() => Key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public void Dispose()
    {
        _root.Dispose();
        Certificate.Dispose();
        Key.Dispose();
    }

    private static CertificateRequest Request(string name, AsymmetricAlgorithm key, int pathLength)
    {
        var subject = new X500DistinguishedName(name);
        var request = key switch
        {
            RSA rsa => new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            ECDsa ecdsa => new CertificateRequest(subject, ecdsa, HashAlgorithmName.SHA256),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLength));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }
}
