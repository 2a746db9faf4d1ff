using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>What the API shows to clients that know its root alone.</summary>
public sealed class ServerCertificateTests
{
    [Fact]
    public async Task Api_ShowsTheIntermediates_ThatAreInItsFile()
    {
        using var authority = TestAuthority.Create(TestKeyKind.P256);
        using var key = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow();
        var leaf = new TestLeaf(new("CN=localhost"), new(key), now.AddMinutes(-5), now.AddDays(1)) { DnsNames = ["localhost"] };
        var folder = Directory.CreateTempSubdirectory("api-certificate");
        try
        {
            var (certificateFile, keyFile) = (Path.Combine(folder.FullName, "api.pem"), Path.Combine(folder.FullName, "api.key"));
            await File.WriteAllTextAsync(
                certificateFile,
                $"{PemEncoding.WriteString("CERTIFICATE", leaf.Sign(authority))}\n{authority.Certificate.ExportCertificatePem()}\n",
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
            await using var host = await ApiHost.StartAsync(
                ("Api:Listen:1", "https://127.0.0.1:0"), ("Api:CertificateFile", certificateFile), ("Api:KeyFile", keyFile));

            using var client = new TcpClient();
            await client.ConnectAsync(host.Urls[1].Host, host.Urls[1].Port, TestContext.Current.CancellationToken);
            await using var secure = new SslStream(client.GetStream());
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(authority.Chain[1]));

            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    CertificateChainPolicy = policy,
                    ApplicationProtocols = [SslApplicationProtocol.Http11],
                },
                TestContext.Current.CancellationToken);

            Assert.Equal(SslApplicationProtocol.Http11, secure.NegotiatedApplicationProtocol);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>As certbot does it: the certificate first, then the key; or by a link to another folder, as Kubernetes does.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Api_ShowsARenewedCertificate_WithoutARestart(bool byLink)
    {
        using var pki = TestPki.Create();
        var (first, second) = (pki.ServerCertificate("first"), pki.ServerCertificate("second"));

        // Copies are as old as what was copied: two of one test may be of the same instant, those of two renewals are not.
        File.SetLastWriteTimeUtc(second.CertificatePath, File.GetLastWriteTimeUtc(first.CertificatePath).AddSeconds(1));
        var folder = Directory.CreateTempSubdirectory("api-certificate");
        var current = Path.Combine(folder.FullName, "current");
        var (certificateFile, keyFile) = (Path.Combine(current, "api.pem"), Path.Combine(current, "api.key"));
        try
        {
            Directory.CreateSymbolicLink(current, folder.CreateSubdirectory("a").FullName);
            File.Copy(first.CertificatePath, certificateFile);
            File.Copy(first.KeyPath, keyFile);
            await using var host = await ApiHost.StartAsync(
                ("Api:Listen:1", "https://127.0.0.1:0"), ("Api:CertificateFile", certificateFile), ("Api:KeyFile", keyFile));
            Assert.Equal("CN=first", await ShownAsync(host.Urls[1]));

            if (byLink)
            {
                var next = folder.CreateSubdirectory("b").FullName;
                File.Copy(second.CertificatePath, Path.Combine(next, "api.pem"));
                File.Copy(second.KeyPath, Path.Combine(next, "api.key"));
                Directory.Delete(current);
                Directory.CreateSymbolicLink(current, next);
            }
            else
            {
                File.Copy(second.CertificatePath, certificateFile, overwrite: true);
                Assert.Equal("CN=first", await ShownAsync(host.Urls[1]));
                File.Delete(keyFile);
                Assert.Equal("CN=first", await ShownAsync(host.Urls[1]));
                File.Copy(second.KeyPath, keyFile);
            }

            Assert.Equal("CN=second", await ShownAsync(host.Urls[1]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> ShownAsync(Uri url)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
#pragma warning disable CA5359 // What is shown is looked at, and nothing is sent.
        await using var secure = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await secure.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost" }, TestContext.Current.CancellationToken);
        return secure.RemoteCertificate!.Subject;
    }
}
