using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>A path that is valid now is what matters; what is not on it harms nobody and reaches no node (issue 12, 20).</summary>
public sealed class IssuerTrustTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private readonly Authority old = new("CN=Old root");
    private readonly Authority root = new("CN=New root");
    private readonly Authority issuing = new("CN=Issuing CA");

    [Fact]
    public void Build_LeavesOut_AnExpiredCrossSignedCertificate()
    {
        var (own, cross) = (root.By(root), root.By(old, Now.AddDays(-1)));
        foreach (var order in Orders([own, cross, old.By(old, Now.AddDays(-1))]))
        {
            AssertChain([issuing.By(root), own], IssuerTrust.Build(Der([issuing.By(root), .. order]), [], Now));
        }
    }

    [Fact]
    public void Build_TakesTheTwin_WhosePathEndsLast()
    {
        var (own, cross, top) = (root.By(root, Now.AddYears(9)), root.By(old, Now.AddYears(5)), old.By(old, Now.AddYears(1)));

        AssertChain([issuing.By(root), own], IssuerTrust.Build(Der([issuing.By(root), cross, top, own]), [], Now));

        // Where only the old root is trusted, the long way is the only one.
        AssertChain([issuing.By(root), cross, top], IssuerTrust.Build(Der([issuing.By(root), own, cross]), Der([top]), Now));
    }

    [Fact]
    public void Build_TakesATwinOfTheIssuingCa_WhenTheFirstHasEnded()
    {
        var ended = issuing.By(old, Now.AddDays(-1));

        var trust = IssuerTrust.Build(Der([ended, issuing.By(root), root.By(root), old.By(old)]), [], Now);

        AssertChain([issuing.By(root), root.By(root)], trust);
        Assert.Equal(issuing.By(root).NotAfter.ToUniversalTime(), trust.IssuerNotAfter);
    }

    [Fact]
    public void Build_KeepsTheNextIssuingCa_AndLeavesOutOneThatHasEnded()
    {
        var next = new Authority("CN=Next issuing CA").By(root, Now.AddYears(3));
        var previous = new Authority("CN=Previous issuing CA").By(root, Now.AddDays(-1));
        var top = root.By(root, Now.AddYears(9));

        var trust = IssuerTrust.Build(Der([issuing.By(root), next, previous, top]), [], Now);

        AssertChain([issuing.By(root), next, top], trust);
        Assert.Equal(next.Subject, trust.FirstToEnd.Subject);
    }

    [Fact]
    public void Build_NamesTheFirstToEnd_OfTheWholePath()
    {
        var top = root.By(root, Now.AddDays(20));

        Assert.Equal(top, IssuerTrust.Build(Der([issuing.By(root, Now.AddYears(2)), top]), [], Now).FirstToEnd);
    }

    [Fact]
    public void Build_KeepsConfiguredRoots_ThatAreNotNeededYet()
    {
        var (own, next) = (root.By(root), old.By(old));

        AssertChain([issuing.By(root), own, next], IssuerTrust.Build(Der([issuing.By(root), own]), Der([own, next]), Now));
    }

    [Fact]
    public void Build_Refuses_WhenNoPathIsValid()
    {
        var fault = Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build(
            Der([issuing.By(root), root.By(old, Now.AddDays(-1)), root.By(root, Now.AddDays(-2)), old.By(old)]), [], Now));

        Assert.Contains("CN=Issuing CA", fault.Message, StringComparison.Ordinal);
        Assert.Contains("NotTimeValid", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_FollowsSignatures_NotNamesAlone()
    {
        var impostor = new Authority("CN=New root").By(old, Now.AddYears(9));

        var trust = IssuerTrust.Build(Der([issuing.By(root), impostor, old.By(old, Now.AddYears(9)), root.By(root)]), [], Now);

        AssertChain([issuing.By(root), root.By(root)], trust);
    }

    [Fact]
    public void Build_Ends_WhenAllHaveOneNameAndSignEachOther()
    {
        var same = Enumerable.Range(0, 8).Select(_ => new Authority("CN=Same")).ToList();
        var chain = same.Select((one, index) => one.By(same[(index + 1) % 8]));

        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build(Der(chain), Der([old.By(old)]), Now));
    }

    private static IEnumerable<IReadOnlyList<X509Certificate2>> Orders(IReadOnlyList<X509Certificate2> of) => of.Count == 1
        ? [of]
        : of.SelectMany(first => Orders([.. of.Except([first])]).Select(rest => (IReadOnlyList<X509Certificate2>)[first, .. rest]));

    private static List<byte[]> Der(IEnumerable<X509Certificate2> certificates) => [.. certificates.Select(one => one.RawData)];

    private static void AssertChain(IEnumerable<X509Certificate2> expected, IssuerTrust trust) =>
        Assert.Equal(Der(expected), PemCertificates.ReadDer(trust.ChainPem));

    /// <summary>A CA's name and key, certified by whomever; the same order gives the same certificate.</summary>
    private sealed class Authority(string name)
    {
        private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly Dictionary<(Authority, DateTimeOffset), X509Certificate2> made = [];

        public X509Certificate2 By(Authority issuer, DateTimeOffset? notAfter = null)
        {
            var end = notAfter ?? Now.AddYears(2);
            if (made.TryGetValue((issuer, end), out var known))
            {
                return known;
            }

            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
            return made[(issuer, end)] = request.Create(
                new X500DistinguishedName(issuer.Name),
                X509SignatureGenerator.CreateForECDsa(issuer.Key),
                Now.AddYears(-1),
                end,
                RandomNumberGenerator.GetBytes(12));
        }

        private string Name => name;

        private ECDsa Key => key;
    }
}
