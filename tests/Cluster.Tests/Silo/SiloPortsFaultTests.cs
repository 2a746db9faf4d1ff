using ControlPlane.Adapters.Transport;
using ControlPlane.Commands;
using ControlPlane.Hosting;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>What would keep the silo's ports from being of use is said at start, all of it; and how an operator makes the keys.</summary>
public sealed class SiloPortsFaultTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;
    private readonly TestPki pki;

    public SiloPortsFaultTests() => pki = TestPki.Create(Path.Combine(folder, "pki"));

    public void Dispose()
    {
        pki.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void WithoutTls_APortIsForLoopback()
    {
        AssertFault(
            new SiloHostOptions { Address = "10.0.0.1" }, "Address: is '10.0.0.1', which other machines reach");
        Assert.DoesNotContain(
            Faults(new SiloHostOptions { Address = "::1" }), fault => fault.Contains("Address", StringComparison.Ordinal));
        Assert.Empty(Faults(new SiloHostOptions { Address = "10.0.0.1", Tls = Good() }));
    }

    [Fact]
    public void Certificates_MustBeOfASiloOfThisSite_AndOfTheCas()
    {
        using var strangers = TestPki.Create(Path.Combine(folder, "strangers"));
        foreach (var (tls, said) in (IEnumerable<(SiloTlsOptions, string)>)[
            (new SiloTlsOptions(), "Tls:CertificateFile: is needed"),
            (new SiloTlsOptions(), "Tls:KeyFile: is needed"),
            (new SiloTlsOptions(), "Tls:CaFile: is needed"),
            (Named("client", PeerName.Of("eu-1", PeerRole.Client)), "they hold controlplane://eu-1/client"),
            (Named("other", PeerName.Of("eu-2", PeerRole.Silo)), "they hold controlplane://eu-2/silo"),
            (With(tls => tls.KeyFile = pki.ServerCertificate("other-key").KeyPath), "does not belong to the key"),
            (With(tls => tls.CaFile = strangers.AuthorityPath), "silos with the CAs of CaFile do not trust"),
            (With(tls => tls.CaFile = tls.KeyFile), "Tls:CaFile: names a file that cannot be read as certificates"),
            (With(tls => tls.CaFile = "missing"), "Tls:CaFile: names a file that does not exist: 'missing'")])
        {
            AssertFault(new SiloHostOptions { Tls = tls }, said);
        }
    }

    /// <summary>The guide's own commands, run as they stand there.</summary>
    [Fact]
    public async Task TheGuidesCommands_MakeCertificates_ThatAreTaken()
    {
        var guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATING.md"));
        var commands = guide.Split("```sh\n")
            .Single(block => block.StartsWith("openssl req -x509", StringComparison.Ordinal)).Split("```")[0];
        var start = new System.Diagnostics.ProcessStartInfo("/bin/sh") { WorkingDirectory = folder };
        start.ArgumentList.Add("-ec");
        start.ArgumentList.Add(commands);
        await using var openssl = ChildProcess.Start(start, "sudo apt-get install -y openssl");
        await openssl.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(openssl.ExitCode == 0, openssl.Output);

        Assert.Empty(Faults(new SiloHostOptions { Tls = Made("silo") }));
        AssertFault(new SiloHostOptions { Tls = Made("client") }, "not for serverAuth");

        SiloTlsOptions Made(string name) => new()
        {
            CertificateFile = Path.Combine(folder, $"{name}.pem"),
            KeyFile = Path.Combine(folder, $"{name}.key"),
            CaFile = Path.Combine(folder, "silos-ca.pem"),
        };
    }

    [Fact]
    public void TheSecret_IsMadeOnce_AndForItsOwnerAlone()
    {
        var file = Path.Combine(folder, "state", "silo.secret");
        var options = new SiloHostOptions { SecretFile = file };
        Assert.Empty(Faults(options));
        Assert.False(File.Exists(file));

        Parallel.For(0, 8, _ => LocalSecret.ReadOrMake(file));
        var made = File.ReadAllText(file);
        LocalSecret.ReadOrMake(file);

        Assert.Equal(made, File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Empty(Faults(options));

        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        AssertFault(options, "chmod 0600");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(file, "short");
        AssertFault(options, "must hold 64 hexadecimal digits");
    }

    [Fact]
    public async Task ASitesKey_IsMadeOnce_AndItsPublicHalfPrinted()
    {
        var file = Path.Combine(folder, "site.seed");

        var first = await RunAsync("site", "key", file);
        var seed = File.ReadAllText(file);

        Assert.Equal((ExitCodes.Done, 64), (first.ExitCode, first.Output.Trim().Length));
        Assert.DoesNotContain(seed.Trim(), first.Output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(first, await RunAsync("site", "key", file));
        Assert.Equal(seed, File.ReadAllText(file));

        File.WriteAllText(file, "no seed");
        Assert.Equal(ExitCodes.Usage, (await RunAsync("site", "key", file)).ExitCode);
        Assert.Equal("no seed", File.ReadAllText(file));
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        return (await CommandLine.RunAsync(args, output, TextWriter.Null), output.ToString());
    }

    private static void AssertFault(SiloHostOptions options, string said) =>
        Assert.Contains(Faults(options), fault => fault.Contains(said, StringComparison.Ordinal));

    private static List<string> Faults(SiloHostOptions options) =>
    [
        .. new SiloHostOptionsValidator().Validate(null, options).Failures ?? [],
        .. new SiloPortsValidator(Options.Create(new OverlaysOptions { Local = "eu-1" }), TimeProvider.System)
            .Validate(null, options).Failures ?? [],
    ];

    private SiloTlsOptions Good() => Named("silo", PeerName.Of("eu-1", PeerRole.Silo));

    private SiloTlsOptions Named(string name, string uri)
    {
        var files = pki.PeerCertificate(name, uri);
        return new SiloTlsOptions { CertificateFile = files.CertificatePath, KeyFile = files.KeyPath, CaFile = pki.AuthorityPath };
    }

    private SiloTlsOptions With(Action<SiloTlsOptions> change)
    {
        var tls = Good();
        change(tls);
        return tls;
    }
}
