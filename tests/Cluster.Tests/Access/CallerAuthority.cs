using System.Net.Security;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A CA of callers with its files, an API that believes it, and clients that show its certificates.</summary>
internal sealed class CallerAuthority : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caller-authority");
    private readonly TestAuthority _authority = TestAuthority.Create(TestKeyKind.P256, "Callers");
    private readonly TestPki _server = TestPki.Create();
    private readonly CertificateRevocationListBuilder _list = new();
    private int _number;

    public CallerAuthority() => File.WriteAllText(CaFile, _authority.ChainPem);

    public string CaFile => Path.Combine(_folder.FullName, "callers.pem");

    public string CrlFile => Path.Combine(_folder.FullName, "callers.crl");

    public string ServerCaFile => _server.AuthorityPath;

    /// <summary>Starts an API that has TLS at the second of its addresses.</summary>
    public Task<ApiHost> StartAsync(TimeProvider? time = null, params (string, string)[] settings)
    {
        var files = _server.ServerCertificate("localhost");
        return ApiHost.StartAsync(
            services => services.AddSingleton(time ?? TimeProvider.System),
            [
                .. settings, ("Api:Listen:1", "https://127.0.0.1:0"), ("Api:CertificateFile", files.CertificatePath),
                ("Api:KeyFile", files.KeyPath), ("Access:Certificates:CaFile", CaFile),
            ]);
    }

    /// <summary>Names a certificate's serial number in the list, and writes it.</summary>
    public void WriteList(DateTimeOffset nextUpdate, X509Certificate2? revoked = null)
    {
        if (revoked is not null)
        {
            _list.AddEntry(revoked);
        }

        using var issuer = _authority.Certificate.CopyWithPrivateKey((ECDsa)_authority.Key);
        var der = _list.Build(
            issuer, new BigInteger(++_number), nextUpdate, HashAlgorithmName.SHA256, thisUpdate: nextUpdate.AddDays(-30));
        File.WriteAllBytes(CrlFile, der);
        File.SetLastWriteTimeUtc(CrlFile, DateTime.UnixEpoch.AddDays(20_000 + _number));
    }

    public X509Certificate2 Issue(
        PublicKey key, Action<SubjectAlternativeNameBuilder> names, string subject = "CN=somebody", string purpose = "1.3.6.1.5.5.7.3.2",
        TimeSpan? age = null)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        var alternative = new SubjectAlternativeNameBuilder();
        names(alternative);
        request.CertificateExtensions.Add(alternative.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        var begin = TimeProvider.System.GetUtcNow().AddMinutes(-5) - (age ?? TimeSpan.Zero);
        return request.Create(
            _authority.Certificate.SubjectName,
            _authority.Signer(),
            begin,
            begin.AddMinutes(30),
            [0x4a, .. RandomNumberGenerator.GetBytes(15)]);
    }

    public X509Certificate2 Issue(
        Action<SubjectAlternativeNameBuilder> names, string subject = "CN=somebody", string purpose = "1.3.6.1.5.5.7.3.2",
        TimeSpan? age = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Issue(new PublicKey(key), names, subject, purpose, age);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>A client of the API's TLS address.</summary>
    public HttpClient Client(ApiHost api, X509Certificate2? certificate)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(X509.PemCertificates.ReadFile(ServerCaFile));
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = policy,
                ClientCertificateContext =
                    certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{api.Urls[1].Port}") };
    }

    public void Dispose()
    {
        _authority.Dispose();
        _server.Dispose();
        _folder.Delete(recursive: true);
    }
}
