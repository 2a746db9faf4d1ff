using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.LocalCa;

/// <summary>An intermediate that is held, in each phase of its life, and let go again.</summary>
/// <remarks>100-day intermediates; the second is made on day 60, signs from day 80, and the first ends on day 100.</remarks>
public sealed class LocalCaRollbackTests : IDisposable
{
    private const string Identity = "web1.example.net";
    private static readonly TimeSpan Step = TimeSpan.FromDays(2);
    private static readonly string Request = SigningRequests.Choria(Identity);

    private readonly LocalCaFolder folder = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly CertificateProfile profile = new() { Lifetime = TimeSpan.FromDays(7) };
    private readonly List<(CertificateFields Leaf, SignedCertificate Signed)> valid = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Mark => Path.Combine(folder.Path, "intermediate-002.held");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(40, "before it is there", "1", "13")]
    [InlineData(70, "trusted", "1", "13")]
    [InlineData(84, "signing", "12", "123")]
    [InlineData(110, "the old one gone", "12", "123")]
    public async Task Hold_IsSafe_InEachPhase(int day, string phase, string signersBefore, string signersAfter)
    {
        var issuer = Open();
        var before = await IssueUntilAsync(issuer, from: 0, day);

        await File.WriteAllTextAsync(Mark, "", Cancel);
        var after = await IssueUntilAsync(issuer, day, 150);

        Assert.Equal(signersBefore, before);
        Assert.Equal(
            signersAfter.Where(signer => !signersBefore.Contains(signer, StringComparison.Ordinal)), after.Where(signer => signer == '3'));
        Assert.True(phase != "signing" || after[0] == '1', "the old one signs again");
    }

    [Fact]
    public async Task Release_LetsItSignAgain()
    {
        var issuer = Open();
        await IssueUntilAsync(issuer, 0, 84);
        await File.WriteAllTextAsync(Mark, "", Cancel);
        Assert.Equal("1", await IssueUntilAsync(issuer, 84, 90));
        File.Delete(Mark);

        Assert.Equal("2", await IssueUntilAsync(issuer, 90, 120));
    }

    /// <summary>
    /// Issues every other day; at each, all that is valid verifies by what nodes are given now, and by what they were given then.
    /// </summary>
    /// <returns>Who signed, each once, by number, in order.</returns>
    private async Task<string> IssueUntilAsync(LocalCaIssuer issuer, int from, int until)
    {
        var signers = "";
        for (var day = from; day < until; day += (int)Step.TotalDays)
        {
            var now = time.GetUtcNow();
            var order = CertificateOrders.For(Identity, Request, profile, now, $"{Identity}/{day}");
            var signed = await issuer.IssueAsync(order, Cancel);
            var leaf = CertificateFields.Read(signed.CertificateDer);
            var trust = IssuerTrust.Build(await issuer.GetChainAsync(Cancel), [], now);
            Assert.Empty(IssuedCertificateCheck.Faults(order, leaf, trust, issuer.Capabilities, now));

            valid.RemoveAll(old => old.Leaf.NotAfter <= now);
            Assert.All(valid, old => Assert.Null(trust.Fault(old.Leaf, now)));
            Assert.All(valid, old => Assert.Contains(old.Signed.ChainDer, der => der.AsSpan().SequenceEqual(signed.ChainDer[0])));
            valid.Add((leaf, signed));
            var signer = NumberOf(signed.ChainDer[0]);
            signers += signers.EndsWith(signer) ? "" : signer;
            time.Advance(Step);
        }

        return signers;
    }

    private char NumberOf(byte[] certificate) => (char)('0' + Enumerable.Range(1, 9).First(number =>
    {
        var path = Path.Combine(folder.Path, $"intermediate-00{number}.pem");
        return File.Exists(path) && X509Certificate2.CreateFromPem(File.ReadAllText(path)).RawData.AsSpan().SequenceEqual(certificate);
    }));

    private LocalCaIssuer Open() => folder.Open(
        new LocalCaOptions
        {
            DataFolder = folder.Path,
            KeyKind = LocalCaKeyKind.P256,
            IntermediateLifetime = TimeSpan.FromDays(100),
            RenewalLead = TimeSpan.FromDays(40),
        },
        time);
}
