using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Azure.Core;
using Azure.Core.Pipeline;
using ControlPlane.Adapters.KeyVault;
using ControlPlane.TestKit;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>
/// Certificates a minute over the fake Key Vault with 20 ms of latency, and the same number of bare calls to sign a digest.
/// </summary>
/// <remarks>The budget is set above what is measured: it is not the vault's limit that is of interest here.</remarks>
public sealed class KeyVaultBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Calls = 2000;
    private const int Concurrency = 64;
    private const int NoLimit = 1_000_000;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);

    private readonly string rootFile = Path.GetTempFileName();
    private readonly Dictionary<string, double> details = [];
    private FakeKeyVault? vault;
    private HttpClientTransport? transport;
    private KeyVaultIssuer? issuer;
    private HttpClient? http;
    private Uri? signUrl;

    public string Name => "issuance-keyvault";

    public string Unit => "certs/min";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        vault = await FakeKeyVault.StartAsync(TestKeyKind.P256, Latency);
        await File.WriteAllTextAsync(rootFile, vault.RootPem, cancellationToken);
        var options = new KeyVaultOptions
        {
            Url = vault.Url,
            Certificate = FakeKeyVault.CertificateName,
            ChainFile = rootFile,
            ConcurrencyMax = Concurrency,
            SignaturesPerTenSeconds = NoLimit,
        };
        transport = new HttpClientTransport(vault.CreateHandler());
        issuer = new KeyVaultIssuer(
            "measured",
            options,
            new KeyVaultClient("measured", options, new KnownCredential(), transport),
            new VaultBudget(TimeProvider.System),
            TimeProvider.System);
        http = new HttpClient(vault.CreateHandler());
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", FakeKeyVault.Token);
        signUrl = new Uri($"{vault.KeyUrl}/sign?api-version=7.4");
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
            var digest = SHA256.HashData(BitConverter.GetBytes(number));
            var value = Convert.ToBase64String(digest).TrimEnd('=').Replace('+', '-').Replace('/', '_');
            using var response = await http!.PostAsJsonAsync(signUrl, new { alg = "ES256", value }, token);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsByteArrayAsync(token);
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        issuer?.Dispose();
        transport?.Dispose();
        http?.Dispose();
        if (vault is not null)
        {
            await vault.DisposeAsync();
        }

        File.Delete(rootFile);
    }

    /// <summary>An identity whose token the fake vault takes.</summary>
    private sealed class KnownCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(FakeKeyVault.Token, TimeProvider.System.GetUtcNow().AddHours(1));

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }
}
