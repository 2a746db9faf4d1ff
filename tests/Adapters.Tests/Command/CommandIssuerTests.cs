using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Command;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.Command;

/// <summary>A program for each order, as Choria's provisioner runs its helper.</summary>
public sealed class CommandIssuerTests : CommandIssuerContract
{
    protected override int PersistentWorkers => 0;
}

/// <summary>Programs that are kept.</summary>
public sealed class CommandWorkersTests : CommandIssuerContract
{
    protected override int PersistentWorkers => 2;
}

/// <summary>A shell script around openssl, as an enterprise may have one.</summary>
public abstract class CommandIssuerContract : RemoteCertificateIssuerContract, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-command-").FullName;
    private CommandIssuer? issuer;

    protected abstract int PersistentWorkers { get; }

    // There is no wire: a program that is away is a fault of configuration. The script's openssl cannot sign the past.
    protected override IReadOnlySet<CaFault> PossibleFaults { get; } =
        Enum.GetValues<CaFault>().Except([CaFault.IsAway, CaFault.SignsThePast]).ToHashSet();

    public void Dispose()
    {
        issuer?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task IssueAsync_KillsTheProgramAndWhatItStarted_WhenItIsSilent()
    {
        var silent = await StartFaultyAsync(CaFault.IsSilent);

        await Assert.ThrowsAsync<IssuerOutcomeUnknownException>(() => silent.IssueAsync(Order(SigningRequests.Choria(Identity)), Cancel));

        var pid = (await File.ReadAllTextAsync(Path.Combine(folder, "sleeper"), Cancel)).Trim();
        var deadline = TimeProvider.System.GetTimestamp();
        while (Directory.Exists($"/proc/{pid}") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromMinutes(3), "the sleeper lives on");
            await Task.Delay(20, Cancel);
        }
    }

    protected override Task<ICertificateIssuer> StartAsync() => Open("sign", "usual.ext");

    protected override Task<ICertificateIssuer> StartFaultyAsync(CaFault fault) => fault switch
    {
        CaFault.Refuses => Open("""echo '{"defer":false,"shutdown":true,"msg":"not in the inventory"}'"""),
        CaFault.Throttles => Open("""echo '{"defer":true,"msg":"the CA is busy"}'"""),
        CaFault.IsSilent => Open($"sleep 600 & echo $! > {folder}/sleeper; wait"),
        CaFault.LosesTheAnswer => Open("exit 3"),
        CaFault.AnswersGarbage => Open("""echo '{"certificate":"no"}'"""),
        CaFault.SignsAnotherKey => Open("another; sign", "usual.ext"),
        CaFault.OmitsTheName => Open("sign", "nameless.ext"),
        CaFault.SignsAnAuthority => Open("sign", "authority.ext"),
        CaFault.DeniesAccess or CaFault.IsAway => Missing(),
        _ => throw new UnreachableException(),
    };

    private Task<ICertificateIssuer> Missing() => Task.FromResult<ICertificateIssuer>(issuer = new CommandIssuer(
        "tested",
        new CommandOptions { Program = Path.Combine(folder, "missing"), PersistentWorkers = PersistentWorkers },
        TimeProvider.System));

    private Task<ICertificateIssuer> Open(string action, string extensions = "usual.ext")
    {
        WriteAuthority();
        File.WriteAllText(Path.Combine(folder, "another.csr"), SigningRequests.Elliptic(Identity));
        WriteExtensions("usual.ext", "CA:FALSE", $"subjectAltName=DNS:{Identity}\n");
        WriteExtensions("nameless.ext", "CA:FALSE", "");
        WriteExtensions("authority.ext", "CA:TRUE", $"subjectAltName=DNS:{Identity}\n");
        var program = Path.Combine(folder, "helper.sh");
        File.WriteAllText(program, Script(action, extensions));
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        issuer = new CommandIssuer(
            "tested",
            new CommandOptions { Program = "/bin/sh", Arguments = [program], TimeLimit = TimeLimit, PersistentWorkers = PersistentWorkers },
            TimeProvider.System);
        return Task.FromResult<ICertificateIssuer>(issuer);
    }

    // Silence ends soon where it is what is tested; elsewhere a busy machine must not end the test.
    private static TimeSpan TimeLimit => TimeSpan.FromSeconds(
        TestContext.Current.TestMethod?.MethodName.Contains("Silent", StringComparison.Ordinal) == true
        || TestContext.Current.Test?.TestDisplayName.Contains("IsSilent", StringComparison.Ordinal) == true ? 2 : 30);

    private void WriteAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Enterprise CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(Now.AddHours(-1), Now.AddDays(30));
        File.WriteAllText(Path.Combine(folder, "ca.pem"), certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(Path.Combine(folder, "ca.key"), key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private void WriteExtensions(string name, string constraints, string names) => File.WriteAllText(
        Path.Combine(folder, name),
        $"""
        basicConstraints=critical,{constraints}
        keyUsage=critical,digitalSignature,keyEncipherment
        extendedKeyUsage=serverAuth,clientAuth
        subjectKeyIdentifier=hash
        authorityKeyIdentifier=keyid
        {names}
        """);

    private string Script(string action, string extensions) => $$"""
        cd {{folder}}
        pem() { awk '{printf "%s\\n", $0}' "$1"; }
        another() { cp another.csr $work/csr; }
        sign() {
          openssl x509 -req -in $work/csr -CA ca.pem -CAkey ca.key -set_serial 0x$(openssl rand -hex 16) -sha256 -days 7 \
            -extfile {{extensions}} -out $work/cert 2>/dev/null
          printf '%s\n' "{\"defer\":false,\"msg\":\"Done\",\"certificate\":\"$(pem $work/cert)\",\"ca\":\"$(pem ca.pem)\"}"
        }
        while IFS= read -r line || [ -n "$line" ]; do
          work=$(mktemp -d {{folder}}/order.XXXXXX)
          printf '%s' "$line" | sed 's/.*"csr":"\(-----BEGIN[^"]*\)".*/\1/; s/\\n/\n/g' > $work/csr
          {{action}}
        done
        """;
}
