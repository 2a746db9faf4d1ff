using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Callers with client certificates, over real TLS.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";

    private readonly CallerAuthority _authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("Email", "alice@example.net")]
    [InlineData("Uri", "spiffe://example.net/ci")]
    [InlineData("Dns", "ci.example.net")]
    [InlineData("CommonName", "alice")]
    public async Task ACertificate_NamesItsPrincipal_ByTheConfiguredRule(string rule, string principal)
    {
        await using var api = await _authority.StartAsync(
            settings: [("Access:Certificates:Principal", rule), ("Access:Certificates:Prefix", "cert:")]);
        using var certificate = _authority.Issue(AllNames, "CN=alice");
        using var client = _authority.Client(api, certificate);

        var me = await client.GetFromJsonAsync<JsonElement>("/v1/access/whoami", Cancellation);

        Assert.Equal($"cert:{principal}", me.GetProperty("principal").GetString());
        Assert.Equal("certificate", me.GetProperty("method").GetString());
        Assert.Equal(certificate.SerialNumber, me.GetProperty("credential").GetString());
    }

    [Fact]
    public async Task WhoeverHasNoCertificate_MayShowATokenInstead()
    {
        var tokens = Path.GetTempFileName();
        await File.WriteAllTextAsync(tokens, "alice 0123456789abcdefghijklmnop\n", Cancellation);
        await using var api = await _authority.StartAsync(settings: ("Access:Tokens:Files:0", tokens));
        using var client = _authority.Client(api, certificate: null);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/nodes", Cancellation)).StatusCode);

        client.DefaultRequestHeaders.Authorization = new("Bearer", "0123456789abcdefghijklmnop");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/nodes", Cancellation)).StatusCode);
        File.Delete(tokens);
    }

    [Fact]
    public async Task ACertificate_IsRefused_WhenItIsOfAnotherCa()
    {
        using var stranger = new CallerAuthority();
        using var certificate = stranger.Issue(AllNames);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(certificate));
    }

    [Fact]
    public async Task ACertificate_IsRefused_WhenItHasEnded() =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(_authority.Issue(AllNames, age: TimeSpan.FromHours(1))));

    [Fact]
    public async Task ACertificate_IsRefused_WhenItIsForServers() =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(_authority.Issue(AllNames, purpose: ServerPurpose)));

    [Fact]
    public async Task ACertificate_IsRefused_WhenItHasNoSuchName() =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(_authority.Issue(names => names.AddDnsName("ci.example.net"))));

    [Fact]
    public async Task ACertificate_IsRefused_WhenItHasTwoSuchNames() =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(_authority.Issue(names =>
        {
            names.AddEmailAddress("alice@example.net");
            names.AddEmailAddress("root@example.net");
        })));

    [Fact]
    public async Task ARevokedCertificate_IsRefused_WhenTheListIsReadAgain()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var certificate = _authority.Issue(AllNames);
        using var other = _authority.Issue(AllNames);
        _authority.WriteList(time.GetUtcNow().AddDays(7));
        await using var api = await _authority.StartAsync(time, ("Access:Certificates:CrlFile", _authority.CrlFile));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, certificate));

        _authority.WriteList(time.GetUtcNow().AddDays(7), revoked: certificate);
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, certificate));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, other));
    }

    [Fact]
    public async Task EveryCertificate_IsRefused_AndHealthSaysSo_WhenTheListIsNotRenewed()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var certificate = _authority.Issue(AllNames);
        _authority.WriteList(time.GetUtcNow().AddDays(7));
        await using var api = await _authority.StartAsync(time, ("Access:Certificates:CrlFile", _authority.CrlFile));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, certificate));

        time.Advance(TimeSpan.FromDays(7.1));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, certificate));
        var health = await api.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(one => one.Name == "access", Cancellation);
        Assert.Contains("client certificates are refused: the list of", health.Entries["access"].Description);

        _authority.WriteList(time.GetUtcNow().AddDays(7));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, certificate));
    }

    [Fact]
    public async Task TheLastGoodList_Holds_WhenTheFileBreaksOrIsForged()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var certificate = _authority.Issue(AllNames);
        _authority.WriteList(time.GetUtcNow().AddDays(7), revoked: certificate);
        await using var api = await _authority.StartAsync(time, ("Access:Certificates:CrlFile", _authority.CrlFile));
        using var stranger = new CallerAuthority();
        stranger.WriteList(time.GetUtcNow().AddDays(7));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, certificate));
        var number = 0;

        foreach (var content in new[] { [], "no list"u8.ToArray(), await File.ReadAllBytesAsync(stranger.CrlFile, Cancellation) })
        {
            await File.WriteAllBytesAsync(_authority.CrlFile, content, Cancellation);
            File.SetLastWriteTimeUtc(_authority.CrlFile, DateTime.UnixEpoch.AddDays(30_000 + number++));
            time.Advance(TimeSpan.FromSeconds(3));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, certificate));
        }

        Assert.Equal(3, api.Logs.Of(typeof(ClientCertificates).FullName!).Count(line => line.Contains("the last good ones hold")));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Origin", "https://attacker.example")]
    public async Task APageOfAnotherSite_ChangesNothing_WithTheBrowsersCertificate(string header, string value)
    {
        await using var api = await _authority.StartAsync();
        using var certificate = _authority.Issue(AllNames);
        using var client = _authority.Client(api, certificate);
        using var body = JsonContent.Create(new { reason = "x" });
        using var own = await client.PostAsync("/v1/nodes/web1.example.net:reprovision", body, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, own.StatusCode);

        client.DefaultRequestHeaders.Add(header, value);
        using var foreign = await client.PostAsync("/v1/nodes/web1.example.net:reprovision", body, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, foreign.StatusCode);
    }

    [Fact]
    public void Validate_SaysWhatIsWrongWithTheFiles()
    {
        _authority.WriteList(TimeProvider.System.GetUtcNow().AddDays(-1));
        var validator = new ClientCertificateOptionsValidator(TimeProvider.System);

        Assert.Contains("was to be renewed at", Faults(new() { CaFile = _authority.CaFile, CrlFile = _authority.CrlFile }));
        Assert.Contains("CaFile: is needed", Faults(new() { CrlFile = _authority.CrlFile }));
        Assert.Contains("there is no file", Faults(new() { CaFile = "/no/such/file" }));

        string? Faults(ClientCertificateOptions options) => validator.Validate(null, options).FailureMessage;
    }

    private static void AllNames(SubjectAlternativeNameBuilder names)
    {
        names.AddEmailAddress("alice@example.net");
        names.AddUri(new Uri("spiffe://example.net/ci"));
        names.AddDnsName("ci.example.net");
    }

    private async Task<HttpStatusCode> StatusAsync(X509Certificate2 certificate)
    {
        await using var api = await _authority.StartAsync();
        using (certificate)
        {
            return await StatusAsync(api, certificate);
        }
    }

    private async Task<HttpStatusCode> StatusAsync(ApiHost api, X509Certificate2 certificate)
    {
        using var client = _authority.Client(api, certificate);
        using var answer = await client.GetAsync("/v1/nodes", Cancellation);
        return answer.StatusCode;
    }
}
