using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.LocalCa;

/// <summary>What the embedded CA keeps: its keys, its generations and what was revoked.</summary>
public sealed class LocalCaFolderTests : IDisposable
{
    private const string Identity = "web1.example.net";
    private readonly LocalCaFolder folder = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly CertificateProfile profile = new() { Lifetime = TimeSpan.FromDays(7) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Open_MakesOneCa_WhenManySilosStartAtOnceOnOneFolder()
    {
        var chains = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Open().GetChainAsync(Cancel)));

        Assert.Single(chains.Select(chain => Convert.ToHexString(chain[0])).Distinct());
        Assert.All(
            Directory.GetFiles(folder.Path, "*.key"),
            path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path)));
    }

    [Fact]
    public async Task Open_MakesTheRest_WhenItDiedBetweenKeyAndCertificate()
    {
        await Open().GetChainAsync(Cancel);
        File.Delete(Path.Combine(folder.Path, "intermediate-001.pem"));

        var chain = await Open().GetChainAsync(Cancel);

        Assert.Equal(2, chain.Count);
        Assert.NotEmpty(IssuerTrust.Build(chain, [], time.GetUtcNow()).ChainPem);
    }

    [Fact]
    public async Task Open_Refuses_AKeyThatOthersMayRead()
    {
        await Open().GetChainAsync(Cancel);
        File.SetUnixFileMode(Path.Combine(folder.Path, "intermediate-001.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);

        var refused = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => Open().GetChainAsync(Cancel));

        Assert.Contains("0600", refused.Message, StringComparison.Ordinal);
        Assert.False((await Open().CheckAsync(Cancel)).Healthy);
    }

    [Fact]
    public async Task Renewal_IsTrustedBeforeItSigns_AndNoCertificateOutlivesItsIssuer()
    {
        var issuer = Open();
        var first = (await issuer.GetChainAsync(Cancel))[0];
        var valid = new List<(DateTimeOffset Until, SignedCertificate Certificate)>();
        var signers = new List<string>();

        // 100-day intermediates, the next one trusted 40 days and signing 20 days before the end: one more every 80 days.
        for (var day = 0; day < 250; day += 2)
        {
            var now = time.GetUtcNow();
            var order = Order($"{Identity}/{day}");
            var signed = await issuer.IssueAsync(order, Cancel);
            var trust = IssuerTrust.Build(await issuer.GetChainAsync(Cancel), [], now);
            var leaf = CertificateFields.Read(signed.CertificateDer);
            Assert.Empty(IssuedCertificateCheck.Faults(order, leaf, trust, issuer.Capabilities, now));
            Assert.Equal(order.NotAfter, leaf.NotAfter);

            // All that is still valid verifies with what nodes are given now, and with what they were given then.
            valid.RemoveAll(old => old.Until <= now);
            Assert.All(valid, old => Assert.Null(trust.Fault(CertificateFields.Read(old.Certificate.CertificateDer), now)));
            Assert.All(valid, old => Assert.Contains(old.Certificate.ChainDer, der => der.AsSpan().SequenceEqual(signed.ChainDer[0])));
            valid.Add((order.NotAfter, signed));
            signers.Add(Convert.ToHexString(leaf.Issuer.Span));
            time.Advance(TimeSpan.FromDays(2));
        }

        Assert.Equal(4, signers.Distinct().Count());
        Assert.NotEqual(first, (await issuer.GetChainAsync(Cancel))[0]);
    }

    [Fact]
    public async Task GetRevocationListsAsync_IsFastAndNumbered_WithSixtyThousandEntries()
    {
        var issuer = Open(LocalCaKeyKind.Rsa2048);
        var signed = await issuer.IssueAsync(Order($"{Identity}/1"), Cancel);
        await issuer.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.KeyCompromise), Cancel);
        var journal = Path.Combine(folder.Path, "revoked.log");
        var line = (await File.ReadAllTextAsync(journal, Cancel)).Trim();
        await File.AppendAllLinesAsync(journal, Enumerable.Range(1, 60_000).Select(number => $"{number:X32}{line[32..]}"), Cancel);

        // Five seconds of work: on a machine that others keep busy it waits for longer than that.
        var (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var list = (await issuer.GetRevocationListsAsync(Cancel))[0];
        var took = TimeSpan.FromTicks(Math.Min(Stopwatch.GetElapsedTime(began).Ticks, (Environment.CpuUsage.TotalTime - cpu).Ticks));

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(60_001, RevocationLists.Read(list).Count);
        CertificateRevocationListBuilder.Load(list, out var number);
        Assert.Same(list, (await issuer.GetRevocationListsAsync(Cancel))[0]);
        time.Advance(TimeSpan.FromDays(4));
        CertificateRevocationListBuilder.Load((await Open(LocalCaKeyKind.Rsa2048).GetRevocationListsAsync(Cancel))[0], out var next);
        Assert.True(next > number, "numbers grow over restarts");
        TestContext.Current.TestOutputHelper?.WriteLine($"60 001 entries, {list.Length} bytes in {took.TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task GetRevocationListsAsync_DropsTheExpired_AndVerifiesWithOpenSsl()
    {
        var issuer = Open();
        var signed = await issuer.IssueAsync(Order($"{Identity}/1"), Cancel);
        await issuer.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.Superseded), Cancel);
        var list = (await issuer.GetRevocationListsAsync(Cancel))[0];
        Assert.Single(RevocationLists.Read(list));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "list.pem"), PemEncoding.WriteString("X509 CRL", list), Cancel);
        string[] arguments = ["crl", "-in", "list.pem", "-noout", "-text", "-CAfile", "intermediate-001.pem"];
        using var openssl = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var text = await openssl.StandardOutput.ReadToEndAsync(Cancel) + await openssl.StandardError.ReadToEndAsync(Cancel);
        Assert.Contains("verify OK", text, StringComparison.Ordinal);
        Assert.Contains("Superseded", text, StringComparison.Ordinal);
        Assert.Contains("X509v3 CRL Number", text, StringComparison.Ordinal);

        time.Advance(TimeSpan.FromDays(8));
        Assert.Empty(RevocationLists.Read((await issuer.GetRevocationListsAsync(Cancel))[0]));
    }

    [Fact]
    public async Task RevokeAsync_IsSeenByOtherSilos_AndSurvivesALineCutShort()
    {
        var (one, other) = (Open(), Open());
        var first = await one.IssueAsync(Order($"{Identity}/1"), Cancel);
        var second = await one.IssueAsync(Order($"{Identity}/2"), Cancel);
        await one.RevokeAsync(new RevocationOrder(first.CertificateDer, RevocationReason.Superseded), Cancel);
        await File.AppendAllTextAsync(Path.Combine(folder.Path, "revoked.log"), "0123456789", Cancel);

        await other.RevokeAsync(new RevocationOrder(second.CertificateDer, RevocationReason.Superseded), Cancel);

        Assert.Equal(2, RevocationLists.Read((await one.GetRevocationListsAsync(Cancel))[0]).Count);
    }

    [Fact]
    public async Task RevokeAsync_Refuses_WhatItDidNotIssue()
    {
        using var stranger = new LocalCaFolder();
        var foreign = await stranger.Open(Options(stranger.Path, LocalCaKeyKind.P256), time).IssueAsync(Order($"{Identity}/1"), Cancel);

        await Assert.ThrowsAsync<IssuerRefusedException>(
            () => Open().RevokeAsync(new RevocationOrder(foreign.CertificateDer, RevocationReason.Superseded), Cancel));
        await Assert.ThrowsAsync<IssuerRefusedException>(
            () => Open().RevokeAsync(new RevocationOrder(new byte[] { 1 }, RevocationReason.Superseded), Cancel));
    }

    [Fact]
    public async Task IssueAsync_IsHeldToTheNameConstraints_ByTheCheck()
    {
        var options = Options(folder.Path, LocalCaKeyKind.P256);
        options.PermittedDomains.Add("example.org");
        var issuer = folder.Open(options, time);
        var order = Order($"{Identity}/1");

        var faults = await CheckAsync(issuer, order);

        Assert.Contains(faults, fault => fault.Contains("NameConstraint", StringComparison.OrdinalIgnoreCase)
            || fault.Contains("does not chain", StringComparison.Ordinal));
        var permitted = CertificateOrders.For("web1.example.org", SigningRequests.Choria("web1.example.org"), profile, time.GetUtcNow());
        Assert.Empty(await CheckAsync(issuer, permitted));
    }

    [Theory]
    [InlineData("correct horse\n", true)]
    [InlineData("wrong", false)]
    public async Task Import_ReadsAnEncryptedKey_WithItsPassphraseFile(string passphrase, bool opens)
    {
        var made = Open();
        var chain = await made.GetChainAsync(Cancel);
        using var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(folder.Path, "intermediate-001.key"), Cancel));
        var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000);
        using var elsewhere = new LocalCaFolder();
        var options = Options(elsewhere.Path, LocalCaKeyKind.P256);
        options.CertificatePath = Path.Combine(folder.Path, "intermediate-001.pem");
        options.ChainPath = Path.Combine(folder.Path, "root.pem");
        options.KeyPath = Path.Combine(elsewhere.Path, "ca.key");
        options.KeyPassphrasePath = Path.Combine(elsewhere.Path, "passphrase");
        KeyFile.WriteAtomically(options.KeyPath, key.ExportEncryptedPkcs8PrivateKeyPem("correct horse", parameters));
        KeyFile.WriteAtomically(options.KeyPassphrasePath, passphrase);
        var imported = elsewhere.Open(options, time);

        if (!opens)
        {
            var refused = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => imported.GetChainAsync(Cancel));
            Assert.DoesNotContain("wrong\0", refused.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("correct horse", refused.ToString(), StringComparison.Ordinal);
            return;
        }

        // The same key elsewhere repeats the same certificates: an order that died on one silo is settled on another.
        Assert.Equal(chain, await imported.GetChainAsync(Cancel));
        var order = Order($"{Identity}/1");
        Assert.Equal(
            CertificateFields.Read((await made.IssueAsync(order, Cancel)).CertificateDer).Signed.ToArray(),
            CertificateFields.Read((await imported.IssueAsync(order, Cancel)).CertificateDer).Signed.ToArray());
    }

    private async Task<IReadOnlyList<string>> CheckAsync(LocalCaIssuer issuer, CertificateOrder order)
    {
        var signed = await issuer.IssueAsync(order, Cancel);
        var trust = IssuerTrust.Build(signed.ChainDer, [], time.GetUtcNow());
        return IssuedCertificateCheck.Faults(
            order, CertificateFields.Read(signed.CertificateDer), trust, issuer.Capabilities, time.GetUtcNow());
    }

    private CertificateOrder Order(string orderId) =>
        CertificateOrders.For(Identity, SigningRequests.Choria(Identity), profile, time.GetUtcNow(), orderId);

    private LocalCaIssuer Open(LocalCaKeyKind keyKind = LocalCaKeyKind.P256) => folder.Open(Options(folder.Path, keyKind), time);

    private static LocalCaOptions Options(string path, LocalCaKeyKind keyKind) => new()
    {
        DataFolder = path,
        KeyKind = keyKind,
        IntermediateLifetime = TimeSpan.FromDays(100),
        RenewalLead = TimeSpan.FromDays(40),
    };
}
