using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>Loops that turn requests into certificates in PEM, on every core, until a time is up, and keep nothing.</summary>
internal sealed class SigningLoops(LocalCaKeyKind keyKind, IReadOnlyList<string> requests, TimeSpan duration)
{
    // One for each loop. The platform makes a key when it is first used, which takes seconds at 4096 bits: not on the loop's time.
    private readonly AsymmetricAlgorithm[] keys = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => MadeKey(keyKind))];

    private static readonly CertificateProfile Profile = new();

    public static string IdentityOf(int number) => $"web{number}.example.net";

    /// <summary>
    /// By the platform's <see cref="CertificateRequest"/>: the request is read and its signature verified, the certificate built, signed
    /// and (by the platform itself) read back. Neither the key's strength nor the answer is judged.
    /// </summary>
    public Task<(double PerMinute, double CpuMicroseconds)> ByThePlatformAsync() => RunAsync(key =>
    {
        var generator = GeneratorOf(key);
        var issuer = new X500DistinguishedName("CN=reference");
        var keyIdentifier = X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(RandomNumberGenerator.GetBytes(20));
        return number => SignByThePlatform(requests[number], issuer, keyIdentifier, generator);
    });

    /// <summary>By what our embedded CA cannot leave out: our reader, the proof of possession, our writer.</summary>
    public Task<(double PerMinute, double CpuMicroseconds)> ByOurWriterAsync() => RunAsync(key =>
    {
        var name = new X500DistinguishedName("CN=leanest");
        var certificate = new CertificateRequest(name, PublicKeyOf(key), HashAlgorithmName.SHA256)
            .Create(name, GeneratorOf(key), Now, Now.AddDays(365), [1]);
        var authority = new Authority(certificate, SigningKeyOf(key));
        return number => SignByOurWriter(requests[number], IdentityOf(number), authority);
    });

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private async Task<(double PerMinute, double CpuMicroseconds)> RunAsync(Func<AsymmetricAlgorithm, Action<int>> prepare)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        var loops = keys.Select(key => Task.Factory.StartNew(
            () => Loop(prepare(key)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        var signed = (await Task.WhenAll(loops)).Sum();
        return (signed / Stopwatch.GetElapsedTime(began).TotalMinutes, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / signed);
    }

    private int Loop(Action<int> sign)
    {
        var signed = 0;
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < duration; signed++)
        {
            sign(signed % requests.Count);
        }

        return signed;
    }

    private static void SignByThePlatform(
        string pem, X500DistinguishedName issuer, X509AuthorityKeyIdentifierExtension keyIdentifier, X509SignatureGenerator generator)
    {
        var request = CertificateRequest.LoadSigningRequestPem(
            pem, HashAlgorithmName.SHA256, signerSignaturePadding: RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(request.SubjectName.Name["CN=".Length..]);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(keyIdentifier);
        var now = Now;
        using var certificate = request.Create(issuer, generator, now.AddMinutes(-5), now.AddDays(30), RandomNumberGenerator.GetBytes(16));
        _ = certificate.ExportCertificatePem();
    }

    private static void SignByOurWriter(string pem, string identity, Authority authority)
    {
        if (!SigningRequestReader.TryRead(pem, out var parts, out var fault)
            || !ProofOfPossession.Verifies(parts!.PublicKey, HashAlgorithmName.SHA256, parts.Signed.Span, parts.Signature))
        {
            throw new InvalidOperationException(fault);
        }

        var request = new SigningRequest(identity, parts.Der, parts.PublicKeyInfo, PublicKeyFingerprint: "", Digest: "");
        var order = CertificateOrderBuilder.Build(identity, request, "bench", Profile, Now);
        _ = PemEncoding.WriteString("CERTIFICATE", LeafWriter.Sign(order, authority, revocationListUrl: null));
    }

    private static AsymmetricAlgorithm MadeKey(LocalCaKeyKind kind)
    {
        var key = SigningKey.Create(kind);
        _ = key.ExportSubjectPublicKeyInfo();
        return key;
    }

    private static PublicKey PublicKeyOf(AsymmetricAlgorithm key) =>
        PublicKey.CreateFromSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out _);

    private static X509SignatureGenerator GeneratorOf(AsymmetricAlgorithm key) => key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
        _ => throw new UnreachableException(),
    };

    private static SigningKey SigningKeyOf(AsymmetricAlgorithm key) => key switch
    {
        RSA rsa => SigningKey.From(rsa),
        ECDsa ecdsa => SigningKey.From(ecdsa),
        _ => throw new UnreachableException(),
    };
}
