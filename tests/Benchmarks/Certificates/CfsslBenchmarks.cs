using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>A cfssl with an RSA-2048 CA, through the issuer and by the same requests written straight to it.</summary>
public sealed class CfsslRsaBenchmark() : CfsslBenchmark("issuance-cfssl-rsa", TestKeyKind.Rsa2048, calls: 4000);

/// <summary>The same with a P-256 CA, where the calls themselves weigh most.</summary>
public sealed class CfsslEllipticBenchmark() : CfsslBenchmark("issuance-cfssl-p256", TestKeyKind.P256, calls: 8000);

/// <summary>Certificates a minute over a real <c>cfssl serve</c>; the server and its load share the machine in both.</summary>
/// <remarks>
/// Ours is the issuer alone, whose answers are read; what grain, checks and ledger add is measured by <see cref="LocalCaIssuance"/>.
/// </remarks>
public abstract class CfsslBenchmark(string name, TestKeyKind key, int calls) : IBenchmark, IAsyncDisposable
{
    private const int Concurrency = 8;

    private readonly Dictionary<string, double> details = [];
    private CfsslServer? server;
    private CfsslIssuer? issuer;
    private HttpClient? http;
    private List<byte[]> bodies = [];

    public string Name => name;

    public string Unit => "certs/min";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        server = await CfsslServer.StartAsync(new CfsslServerSettings { Key = key }, cancellationToken);
        issuer = new CfsslIssuer(
            "measured",
            new CfsslOptions
            {
                Url = server.Url,
                Profile = CfsslServer.NodeProfile,
                ChainFile = server.ChainFile,
                ConcurrencyMax = Concurrency,
            },
            TimeProvider.System,
            NullLogger<CfsslIssuer>.Instance);
        http = new HttpClient { BaseAddress = new Uri(server.Url, "/api/v1/cfssl/") };
        bodies = [.. IssuanceLoad.Orders.Select(order => JsonSerializer.SerializeToUtf8Bytes(new
        {
            certificate_request = PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span),
            hosts = order.DnsNames,
            profile = CfsslServer.NodeProfile,
        }))];
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => IssuanceLoad.PerMinuteAsync(
        ("ours", details), calls, Concurrency, (number, token) =>
            issuer!.IssueAsync(IssuanceLoad.OrderFor(number), token), cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => IssuanceLoad.PerMinuteAsync(
        ("reference", details),
        calls,
        Concurrency,
        async (number, token) =>
        {
            using var content = new ByteArrayContent(bodies[number % bodies.Count]);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http!.PostAsync("sign", content, token);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsByteArrayAsync(token);
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        issuer?.Dispose();
        http?.Dispose();
        if (server is not null)
        {
            await server.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}
