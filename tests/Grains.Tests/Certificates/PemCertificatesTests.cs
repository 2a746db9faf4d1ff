using System.Security.Cryptography;
using ControlPlane.TestKit;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>As many certificates as there are BEGIN lines, or a fault with its line (issue 12, 21).</summary>
public sealed class PemCertificatesTests : IDisposable
{
    private const string Begin = "-----BEGIN CERTIFICATE-----";
    private const string End = "-----END CERTIFICATE-----";

    private readonly TestAuthority authority = TestAuthority.Create(TestKeyKind.P256);

    private string Issuing => authority.Certificate.ExportCertificatePem();

    private string Root => authority.ChainPem[(Issuing.Length + 1)..].TrimEnd('\n');

    public void Dispose() => authority.Dispose();

    [Fact]
    public void Read_ReadsAll_WithTextBetween()
    {
        var pem = $"subject=/CN=one - with dashes\n{Issuing}\n\n# the root\r\n{Root.ReplaceLineEndings("\r\n")}\r\nthe end";

        Assert.Equal(authority.Chain, PemCertificates.Read(pem).Select(certificate => certificate.RawData));
        Assert.Equal(authority.Chain, PemCertificates.ReadDer(pem));
    }

    [Fact]
    public void Read_SkipsAKey_WhichAFileOfAClientMayHold()
    {
        const string key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----";

        Assert.Equal(authority.Chain, PemCertificates.ReadDer($"{key}\n{Issuing}\n{Root}"));
    }

    [Fact]
    public void Read_ReadsBase64_InLinesOfAnyLengthAndIndented() => Assert.Equal(
        authority.Chain[0],
        Assert.Single(PemCertificates.ReadDer($"  {Begin}\n   {Convert.ToBase64String(authority.Chain[0])}  \n  {End}")));

    [Fact]
    public void Read_NamesTheLine_WhereTwoAreGlued()
    {
        var pem = $"{Issuing}{Root}\n{Root}";

        Assert.Contains($"line {Lines(Issuing)} ", Fault(pem), StringComparison.Ordinal);
        Assert.Contains("begins in line 1", Fault(pem), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "no certificate")]
    [InlineData("nothing of the kind", "no certificate")]
    [InlineData($"{Begin}\nMIIB", "line 1 does not end")]
    [InlineData($"{Begin}\nMIIB\n{Begin}\nMIIB\n{End}", "line 3 ")]
    [InlineData($"{Begin}\nMII\n{End}", "line 1 is not whole Base64")]
    [InlineData($"{Begin}\nMIIB\n{End}", "line 1 is not a certificate")]
    [InlineData($"{Begin}\nMIIB\n# a comment\nMIIB\n{End}", "line 3 ")]
    [InlineData($"{Begin}\nMIIB\n-----END PRIVATE KEY-----", "line 3 ")]
    [InlineData($"text\n{End}", "line 2 ")]
    [InlineData($"text {Begin}\nMIIB\n{End}", "line 1 ")]
    [InlineData($"\n-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n", "line 2 begins a block 'TRUSTED CERTIFICATE'")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "no certificate")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY----------BEGIN CERTIFICATE-----", "line 3 ")]
    public void Read_SaysWhatIsWrong_AndWhere(string pem, string fault) => Assert.Contains(fault, Fault(pem), StringComparison.Ordinal);

    [Fact]
    public void Read_NeverReadsInPart_WhereverAFileIsCutOff()
    {
        var pem = $"{Issuing}\n{Root}";
        for (var length = 1; length < pem.Length; length++)
        {
            // Where the first has ended and the second has not begun, a file of one certificate is whole.
            var begun = pem[..length].Split("-----BEGIN").Length - 1;
            if (begun == 1 && length >= Issuing.Length)
            {
                Assert.Single(PemCertificates.Read(pem[..length]));
            }
            else
            {
                Fault(pem[..length]);
            }
        }
    }

    [Fact]
    public void ReadOwn_ShowsTheIntermediates_BelowTheCertificate()
    {
        using var key = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow();
        var leaf = new TestLeaf(new("CN=api.example.net"), new(key), now.AddMinutes(-5), now.AddDays(1)).Sign(authority);
        var folder = Directory.CreateTempSubdirectory("pem");
        try
        {
            var (certificateFile, keyFile) = (Path.Combine(folder.FullName, "api.pem"), Path.Combine(folder.FullName, "api.key"));
            File.WriteAllText(certificateFile, $"{PemEncoding.WriteString("CERTIFICATE", leaf)}\n{Issuing}\n");
            File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());

            var own = PemCertificates.ReadOwn(certificateFile, keyFile);

            Assert.True(own.TargetCertificate.HasPrivateKey);
            Assert.Equal(authority.Chain[0], Assert.Single(own.IntermediateCertificates).RawData);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Lines(string text) => text.Split('\n').Length;

    private static string Fault(string pem) => Assert.Throws<CryptographicException>(() => PemCertificates.Read(pem)).Message;
}
