using System.Diagnostics;
using System.Security.Cryptography;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>What depends on the key that a CA signs with, and on how it is set up: asked once of each in a table.</summary>
internal static class IssuerChecks
{
    private const string Identity = "web1.example.net";

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>It signs for both kinds of a node's key, shows its chain, revokes if it can, and finds itself well.</summary>
    public static async Task AssertAllAsync(ICertificateIssuer issuer)
    {
        var profile = new CertificateProfile { Name = "node", Issuers = ["tested"], Lifetime = TimeSpan.FromDays(7) };
        await AssertSignsAsync(issuer, Order(SigningRequests.Choria(Identity), 1));
        await AssertSignsAsync(issuer, Order(SigningRequests.Elliptic(Identity), 2));
        await AssertLeadsToTheRootAsync(issuer, Order(SigningRequests.Choria(Identity), 3));
        await AssertRevokesAsync(issuer, Order(SigningRequests.Choria(Identity), 4), Order(SigningRequests.Choria(Identity), 5));
        var health = await issuer.CheckAsync(Cancel);
        Assert.True(health.Healthy, health.Detail);

        CertificateOrder Order(string request, int number) =>
            CertificateOrders.For(Identity, request, profile, Now, $"{Identity}/{number}");
    }

    /// <summary>The certificate is what was ordered, by our check and by openssl's.</summary>
    public static async Task AssertSignsAsync(ICertificateIssuer issuer, CertificateOrder order)
    {
        var signed = await issuer.IssueAsync(order, Cancel);

        Assert.Empty(await FaultsAsync(issuer, order, signed));
        await AssertOpenSslVerifiesAsync(issuer, signed);
    }

    /// <summary>The chain begins with the CA that signed, and ends with a root.</summary>
    public static async Task AssertLeadsToTheRootAsync(ICertificateIssuer issuer, CertificateOrder order)
    {
        var signed = await issuer.IssueAsync(order, Cancel);

        var chain = await issuer.GetChainAsync(Cancel);

        Assert.Equal(
            CertificateFields.Read(chain[0]).Subject.ToArray(), CertificateFields.Read(signed.CertificateDer).Issuer.ToArray());
        Assert.NotEmpty(IssuerTrust.Build(chain, [], Now).ChainPem);
    }

    /// <summary>One that revokes may be asked twice, and lists what it revoked and nothing else.</summary>
    public static async Task AssertRevokesAsync(ICertificateIssuer issuer, CertificateOrder order, CertificateOrder another)
    {
        if (RevokerOf(issuer) is not { } revoker)
        {
            return;
        }

        var signed = await issuer.IssueAsync(order, Cancel);
        var kept = await issuer.IssueAsync(another, Cancel);

        await revoker.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.Superseded), Cancel);
        await revoker.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.Superseded), Cancel);

        if (RevocationListsOf(issuer) is { } lists)
        {
            var list = RevocationLists.Read((await lists.GetRevocationListsAsync(Cancel))[0]);
            Assert.Contains(CertificateFields.Read(signed.CertificateDer).SerialText, list);
            Assert.DoesNotContain(CertificateFields.Read(kept.CertificateDer).SerialText, list);
        }
    }

    /// <summary>What the check says of an answer, with the chain that came with it or that the issuer gives.</summary>
    public static async Task<IReadOnlyList<string>> FaultsAsync(
        ICertificateIssuer issuer, CertificateOrder order, SignedCertificate signed)
    {
        var chain = await issuer.GetChainAsync(Cancel);
        var trust = IssuerTrust.Build(signed.ChainDer.Count > 0 ? signed.ChainDer : chain, [chain[^1]], Now);
        return IssuedCertificateCheck.Faults(order, CertificateFields.Read(signed.CertificateDer), trust, issuer.Capabilities, Now);
    }

    private static async Task AssertOpenSslVerifiesAsync(ICertificateIssuer issuer, SignedCertificate signed)
    {
        var folder = Directory.CreateTempSubdirectory("cp-issuer-").FullName;
        try
        {
            var chain = await issuer.GetChainAsync(Cancel);
            var leaf = WritePem(folder, "leaf.pem", [signed.CertificateDer]);
            var root = WritePem(folder, "root.pem", [chain[^1]]);
            var between = WritePem(folder, "between.pem", chain.SkipLast(1));
            foreach (var purpose in new[] { "sslserver", "sslclient" })
            {
                string[] untrusted = chain.Count > 1 ? ["-untrusted", between] : [];
                var (exitCode, output) = await RunAsync(
                    "openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", root, .. untrusted, leaf]);
                Assert.True(exitCode == 0, output);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string WritePem(string folder, string name, IEnumerable<byte[]> certificates)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllLines(path, certificates.Select(der => PemEncoding.WriteString("CERTIFICATE", der)));
        return path;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancel) + await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, output);
    }

    /// <summary>What the grains take of the issuer to revoke with.</summary>
    public static ICertificateRevoker? RevokerOf(ICertificateIssuer issuer) => Guarded(issuer).Revoker;

    /// <summary>What the grains take of the issuer to list with what was revoked.</summary>
    public static ICertificateRevocationListSource? RevocationListsOf(ICertificateIssuer issuer) => Guarded(issuer).RevocationLists;

    private static GuardedIssuer Guarded(ICertificateIssuer issuer)
    {
        using var grains = new IssuanceGrains(
            new InMemoryCertificateLedger(), new InMemoryKeyRegister(), TimeProvider.System, new CertificatesOptions(), issuer);
        return grains.Issuers.Of(issuer.Name);
    }
}
