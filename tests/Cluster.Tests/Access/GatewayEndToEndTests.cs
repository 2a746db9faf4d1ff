using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Transport;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Stage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>
/// A workflow engine at the gateway of the whole product: certificate, token, policy and record together, on a real broker and Redis.
/// </summary>
public sealed class GatewayEndToEndTests : IAsyncLifetime
{
    private const string Site = EnrolmentStage.Overlay;
    private const string Token = "0123456789abcdefghijklmnop";
    private const string SealKey = "controlplane.caller";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-gateway-").FullName;
    private readonly int gateway = LoopbackPort.Free();
    private readonly List<IHost> clients = [];
    private readonly KeptLog log = new();
    private readonly TestPki pki;
    private readonly Ed25519Key siteKey = Ed25519Key.Generate();
    private EnrolmentStage stage = null!;

    public GatewayEndToEndTests() => pki = TestPki.Create(Path.Combine(folder, "peers"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var silo = pki.PeerCertificate("silo", PeerName.Of(Site, PeerRole.Silo));
        var (seed, tokens) = (Path.Combine(folder, "site.seed"), Path.Combine(folder, "tokens"));
        await File.WriteAllTextAsync(seed, siteKey.ExportSeedHex(), Cancel);
        await File.WriteAllTextAsync(tokens, $"workflows {Token} id=w1", Cancel);
        stage = await Stages.StartAsync(
            Stages.Hosted with
            {
                ApiToken = Token,
                MoreSilo = $"""
                      GatewayPort: {gateway}
                      Tls:
                        CertificateFile: {silo.CertificatePath}
                        KeyFile: {silo.KeyPath}
                        CaFile: {pki.AuthorityPath}
                    """,
                MoreConfiguration = $"""
                    Sites:
                      SeedFile: {seed}
                      PublicKeys:
                        {Site}: [ {siteKey.PublicKeyHex} ]
                    Access:
                      Tokens:
                        Files: [ {tokens} ]
                    """,
            },
            Cancel);
        await stage.StartSiloAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            try
            {
                await client.StopAsync(CancellationToken.None);
            }
            catch (Exception neverStarted) when (neverStarted is InvalidOperationException or OrleansException)
            {
                // It was not let in.
            }

            client.Dispose();
        }

        await stage.DisposeAsync();
        siteKey.Dispose();
        pki.Dispose();
        log.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task AClientIsServed_AsTheHolderOfItsToken_AndNobodyElseIs()
    {
        await AssertStrangerAsync(PeerName.Of("overlay-2", PeerRole.Client));
        await AssertStrangerAsync(PeerName.Of(Site, PeerRole.Silo));
        var client = await StartClientAsync(PeerName.Of(Site, PeerRole.Client), isStranger: false);
        var node = await GatewayClient.FindAsync(client, grains => grains.GetGrain<INodeGrain>("web1.example.net"));

        CallToken.Use(Token);
        Assert.Equal(NodeStage.Unknown, (await node.Get()).Stage);
        Assert.Null(await node.Decommission(new DecommissionRequest("it burnt down")));

        RequestContext.Remove(CallToken.Key);
        await Assert.ThrowsAsync<NotAuthenticatedException>(() => node.Decommission(new DecommissionRequest("without a token")));

        // By what is public of the site, by its shape alone, and by a key of one's own.
        foreach (var written in (string[])[
            "system", new CallerSeal([Convert.FromHexString(siteKey.PublicKeyHex)], TimeProvider.System).Seal(Caller.System),
            new CallerSeal([RandomNumberGenerator.GetBytes(32)], TimeProvider.System).Seal(Caller.System)])
        {
            RequestContext.Set(SealKey, written);
            await Assert.ThrowsAsync<NotAuthenticatedException>(() => node.Decommission(new DecommissionRequest("as the system")));
        }

        RequestContext.Remove(SealKey);
        await AssertRecordedAsync();
    }

    // What the API has of it, as an auditor reads it.
    private async Task AssertRecordedAsync()
    {
        IReadOnlyList<AuditRecord> records = [];
        await Readiness.UntilAsync(
            async _ => (records = await RecordsAsync()).Count(record => record.Kind == AuditKind.SignInFailed) == 4,
            "each call that was denied is recorded",
            Cancel,
            () => string.Join('\n', records));

        var call = Assert.Single(records, record => record.Kind == AuditKind.Call);
        Assert.Equal(("workflows", CallerMethod.AccessToken, "w1"), (call.Who!.Principal, call.Who.Method, call.Who.Credential));
        Assert.StartsWith("sys.client/", call.Who.Address, StringComparison.Ordinal);
        Assert.Equal((Permissions.NodesDecommission, "web1.example.net", "it burnt down"), (call.Permission, call.On!.Node, call.Reason));
        Assert.Equal("ok", Assert.Single(records, record => record.Kind == AuditKind.Outcome && record.Id == call.Id).Outcome);
        Assert.All(records.Where(record => record.Kind == AuditKind.SignInFailed), failed =>
        {
            Assert.Null(failed.Who!.Principal);
            Assert.Equal(call.Who.Address, failed.Who.Address);
            Assert.Contains("no token came", failed.Outcome, StringComparison.Ordinal);
        });
    }

    private async Task<IReadOnlyList<AuditRecord>> RecordsAsync() => ((IReadOnlyList<AuditLine>)[
        .. (await stage.Silo!.Api.GetStringAsync("/v1/audit:export", Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<AuditLine>(line, AuditEndpoints.Lines)!)]).Records();

    private async Task AssertStrangerAsync(string name) =>
        await Assert.ThrowsAnyAsync<Exception>(() => StartClientAsync(name, isStranger: true));

    private async Task<IClusterClient> StartClientAsync(string name, bool isStranger)
    {
        var files = pki.PeerCertificate($"client-{clients.Count}", name);
        var credentials = new PeerCredentials.Certificate(files.CertificatePath, files.KeyPath, pki.AuthorityPath);
        var host = GatewayClient.Build(Site, gateway, credentials, log, () => !isStranger && !Cancel.IsCancellationRequested);
        clients.Add(host);
        await host.StartAsync(Cancel);
        return host.Services.GetRequiredService<IClusterClient>();
    }
}
