using System.Net.Http.Json;
using System.Security.Cryptography;
using ControlPlane.Adapters.Vault;
using ControlPlane.TestKit;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>Certificates a minute over the fake Vault with 20 ms of latency, and by the same requests written straight to it.</summary>
public sealed class VaultBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Calls = 2000;
    private const int Concurrency = 32;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);

    private readonly Dictionary<string, double> details = [];
    private FakeVault? vault;
    private VaultIssuer? issuer;
    private HttpClient? http;
    private string folder = "";

    public string Name => "issuance-vault";

    public string Unit => "certs/min";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        vault = await FakeVault.StartAsync(new FakeVaultSettings { Latency = Latency });
        folder = Directory.CreateTempSubdirectory("controlplane-vault-").FullName;
        var tokenFile = Path.Combine(folder, "token");
        var token = vault.Tokens.Create();
        await File.WriteAllTextAsync(tokenFile, token, cancellationToken);
        var options = new VaultOptions
        {
            Url = vault.Url,
            Role = "node",
            ConcurrencyMax = Concurrency,
            Login = new VaultLoginOptions { Method = VaultLoginMethod.Token, TokenFile = tokenFile },
        };
        issuer = new VaultIssuer("measured", options, TimeProvider.System, new Random(1));
        http = new HttpClient { BaseAddress = new Uri(vault.Url, "/v1/pki/sign/") };
        http.DefaultRequestHeaders.Add("X-Vault-Token", token);
        http.DefaultRequestHeaders.Add("X-Vault-Request", "true");
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => IssuanceLoad.PerMinuteAsync(
        ("ours", details), Calls, Concurrency, (number, token) =>
            issuer!.IssueAsync(IssuanceLoad.OrderFor(number), token), cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => IssuanceLoad.PerMinuteAsync(
        ("reference", details),
        Calls,
        Concurrency,
        async (number, token) =>
        {
            var order = IssuanceLoad.OrderFor(number);
            var body = new
            {
                csr = PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span),
                common_name = order.Subject.CommonName,
                alt_names = order.DnsNames[0],
                ttl = "604800s",
            };
            using var response = await http!.PostAsJsonAsync("node", body, token);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsByteArrayAsync(token);
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        issuer?.Dispose();
        http?.Dispose();
        if (vault is not null)
        {
            await vault.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
