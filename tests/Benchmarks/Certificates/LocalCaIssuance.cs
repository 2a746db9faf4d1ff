using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;

namespace ControlPlane.Benchmarks.Certificates;

public sealed class LocalCaRsa2048() : LocalCaIssuance("issuance-localca-rsa2048", "Rsa2048");

public sealed class LocalCaRsa4096() : LocalCaIssuance("issuance-localca-rsa4096", "Rsa4096");

public sealed class LocalCaP256() : LocalCaIssuance("issuance-localca-p256", "P256");

/// <summary>
/// Orders through the issuance grains of a silo, over the embedded CA and a ledger in memory: admission, both checks, four ledger
/// operations. The reference is a loop on every core that reads the same requests, verifies them and signs with the platform's
/// <see cref="CertificateRequest"/>, and checks and keeps nothing.
/// </summary>
public abstract class LocalCaIssuance(string name, string keyKind) : IBenchmark, IAsyncDisposable
{
    private const int InFlight = 64;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(4);

    private readonly Dictionary<string, double> details = [];
    private IssuanceHost? host;
    private string[] requests = [];
    private int lastOrder;

    public string Name => name;

    public string Unit => "orders/min";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        requests = [.. Enumerable.Range(0, InFlight).Select(number => SigningRequests.Choria($"web{number}.example.net"))];
        host = await IssuanceHost.StartAsync(keyKind, redis: null, cancellationToken);
        await OrderAsync(TimeSpan.FromSeconds(1), cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        var durations = await OrderAsync(Round, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(began);
        durations.Sort();
        details["ours-p99-ms"] = durations[(int)(durations.Count * 0.99)].TotalMilliseconds;
        details["ours-cpu-us-per-order"] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / durations.Count;
        details["ours-memory-mb"] = GC.GetTotalMemory(forceFullCollection: false) / 1e6;
        return durations.Count / elapsed.TotalMinutes;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        var loops = Enumerable.Range(0, Environment.ProcessorCount)
            .Select(_ => Task.Factory.StartNew(SignInALoop, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        var signed = (await Task.WhenAll(loops)).Sum();
        details["reference-cpu-us-per-order"] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / signed;
        return signed / Stopwatch.GetElapsedTime(began).TotalMinutes;
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.DisposeAsync();
        }
    }

    private async Task<List<TimeSpan>> OrderAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var workers = Enumerable.Range(0, InFlight).Select(async number =>
        {
            var durations = new List<TimeSpan>();
            while (Stopwatch.GetElapsedTime(began) < duration)
            {
                var ordered = Stopwatch.GetTimestamp();
                var order = Interlocked.Increment(ref lastOrder);
                await host!.OrderAsync($"web{number}.example.net", order, requests[number], cancellationToken);
                durations.Add(Stopwatch.GetElapsedTime(ordered));
            }

            return durations;
        });
        return [.. (await Task.WhenAll(workers)).SelectMany(durations => durations)];
    }

    private int SignInALoop()
    {
        using var key = SigningKey.Create(Enum.Parse<LocalCaKeyKind>(keyKind));
        var generator = key switch
        {
            RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
            ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
            _ => throw new UnreachableException(),
        };
        var issuer = new X500DistinguishedName("CN=reference");
        var signed = 0;
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Round; signed++)
        {
            Sign(requests[signed % requests.Length], issuer, generator);
        }

        return signed;
    }

    private static void Sign(string pem, X500DistinguishedName issuer, X509SignatureGenerator generator)
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
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(issuer, generator, now.AddMinutes(-5), now.AddDays(30), RandomNumberGenerator.GetBytes(16));
        _ = certificate.ExportCertificatePem();
    }
}
