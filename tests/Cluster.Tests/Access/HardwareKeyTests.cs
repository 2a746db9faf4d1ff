using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A key that never leaves its PKCS#11 token signs in, since TLS uses it: SoftHSM, and curl through OpenSSL's engine.</summary>
public sealed class HardwareKeyTests : IDisposable
{
    private const string Installation = "sudo apt-get install -y softhsm2 opensc libengine-pkcs11-openssl curl";
    private const string Module = "/usr/lib/softhsm/libsofthsm2.so";
    private const string Pin = "1234";

    private readonly CallerAuthority _authority = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("softhsm");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AKeyOnATokenOfPkcs11_SignsIn()
    {
        Assert.True(File.Exists(Module), $"{Module} is missing; install it: {Installation}");
        var (publicKey, certificateFile) = (Path.Combine(_folder.FullName, "alice.der"), Path.Combine(_folder.FullName, "alice.pem"));
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "softhsm.conf"), $"directories.tokendir = {_folder.FullName}\n", Cancellation);
        await RunAsync("softhsm2-util", "--init-token", "--free", "--label", "cp", "--pin", Pin, "--so-pin", Pin);
        await RunAsync(
            "pkcs11-tool", "--module", Module, "--login", "--pin", Pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "alice",
            "--id", "01");
        await RunAsync("pkcs11-tool", "--module", Module, "--read-object", "--type", "pubkey", "--id", "01", "-o", publicKey);
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(await File.ReadAllBytesAsync(publicKey, Cancellation), out _);
        using var certificate = _authority.Issue(key, names => names.AddEmailAddress("alice@example.net"));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem(), Cancellation);
        await using var api = await _authority.StartAsync();

        var answer = await RunAsync(
            "curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--engine", "pkcs11", "--key-type", "ENG",
            "--key", $"pkcs11:token=cp;object=alice;type=private;pin-value={Pin}", "--cert", certificateFile,
            "--cacert", _authority.ServerCaFile, $"https://localhost:{api.Urls[1].Port}/v1/access/whoami");

        var me = JsonDocument.Parse(answer).RootElement;
        Assert.Equal("alice@example.net", me.GetProperty("principal").GetString());
        Assert.Equal("certificate", me.GetProperty("method").GetString());
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            Environment = { ["SOFTHSM2_CONF"] = Path.Combine(_folder.FullName, "softhsm.conf"), ["PKCS11_MODULE_PATH"] = Module },
        };
        await using var process = ChildProcess.Start(start, Installation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {process.Output}");
        return process.Output;
    }
}
