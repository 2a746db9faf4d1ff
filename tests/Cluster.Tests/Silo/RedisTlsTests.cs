using ControlPlane.Adapters.Transport;
using ControlPlane.Hosting;
using ControlPlane.TestKit;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>A real redis-server that speaks TLS, asks for certificates, and knows one user with few rights.</summary>
public sealed class RedisTlsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-redis-tls-").FullName;
    private readonly TestPki pki;
    private readonly TestPki strangers;
    private readonly int port = LoopbackPort.Free();

    public RedisTlsTests()
    {
        pki = TestPki.Create(Path.Combine(folder, "pki"));
        strangers = TestPki.Create(Path.Combine(folder, "strangers"));
        File.WriteAllText(Path.Combine(folder, "password"), "of the silo\n");
        File.WriteAllText(Path.Combine(folder, "other"), "of somebody else\n");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        pki.Dispose();
        strangers.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task ASilo_Joins_AsAUserOfFewRights_OverTls()
    {
        await using var site = await PortsSite.StartAsync(Server(), Cancel);
        var secret = Path.Combine(folder, "silo.secret");
        var (silo, gateway) = await site.StartSiloAsync(
            [
                ("Silo:SecretFile", secret), ("Redis:Endpoints:0", $"127.0.0.1:{port}"), ("Redis:Tls", "true"),
                ("Redis:CaFile", pki.AuthorityPath), ("Redis:User", "controlplane"),
                ("Redis:PasswordFile", Path.Combine(folder, "password")),
                ("Redis:CertificateFile", Client.CertificatePath), ("Redis:KeyFile", Client.KeyPath),
            ],
            Cancel);

        Assert.Equal([silo], await PortsSite.MembersAsync(await site.ConnectAsync(gateway, new PeerCredentials.Secret(secret), Cancel)));
    }

    [Fact]
    public async Task TheServer_IsVerified_AndSoAreWe()
    {
        await using var server = await RedisServer.StartAsync(Server(), Cancel);

        Assert.True(await AnswersAsync(Good()));
        Assert.False(await AnswersAsync(Good(), options => options.CaFile = strangers.AuthorityPath));
        Assert.False(await AnswersAsync(Good(), options => options.CaFile = ""));
        Assert.False(await AnswersAsync(Good(), options => options.Endpoints = [$"127.0.0.2:{port}"]));
        Assert.False(await AnswersAsync(Good(), options => (options.CertificateFile, options.KeyFile) = ("", "")));
        Assert.False(await AnswersAsync(Good(), options => options.PasswordFile = Path.Combine(folder, "other")));
        Assert.False(await AnswersAsync(Good(), options => options.User = ""));
        Assert.False(await AnswersAsync(Good(), options => options.Tls = false));
    }

    /// <summary>Server and silo get certificates of another CA, so that nothing of before is taken by either.</summary>
    [Fact]
    public async Task CertificatesAndCa_AreRenewed_WithoutARestart()
    {
        await using var server = await RedisServer.StartAsync(Server(), Cancel);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Good().ToClientOptions("tested"));
        await redis.GetDatabase().PingAsync();
        await server.StopAsync();
        foreach (var (renewed, files) in (IEnumerable<(PkiFiles, PkiFiles)>)[
            (strangers.ServerCertificate("redis"), pki.ServerCertificate("redis")),
            (strangers.ClientCertificate("controlplane"), Client)])
        {
            File.Copy(renewed.CertificatePath, files.CertificatePath, overwrite: true);
            File.Copy(renewed.KeyPath, files.KeyPath, overwrite: true);
        }

        File.Copy(strangers.AuthorityPath, pki.AuthorityPath, overwrite: true);
        await server.RestartAsync(Cancel);

        await Readiness.UntilAsync(
            async _ =>
            {
                try
                {
                    await redis.GetDatabase().PingAsync();
                    return true;
                }
                catch (RedisException)
                {
                    return false;
                }
            },
            "the silo's connection is back, by the new certificates",
            Cancel,
            () => $"{redis.GetStatus()}\n{server.Output}");
    }

    [Fact]
    public void Faults_AreSaidAtOnce()
    {
        Assert.Empty(Faults(Good()));

        var faults = Faults(new RedisOptions
        {
            Endpoints = ["127.0.0.1:1"], CaFile = Client.KeyPath, CertificateFile = Client.CertificatePath, PasswordFile = "missing",
        });
        foreach (var said in (string[])[
            "PasswordFile: names a file that does not exist", "CaFile: is for TLS", "CaFile: names a file that cannot be read",
            "CertificateFile: is for TLS", "CertificateFile: needs Redis:CertificateFile and Redis:KeyFile"])
        {
            Assert.Contains(faults, fault => fault.Contains(said, StringComparison.Ordinal));
        }
    }

    private static List<string> Faults(RedisOptions options) =>
        [.. new RedisOptionsValidator(TimeProvider.System).Validate(null, options).Failures ?? []];

    private static async Task<bool> AnswersAsync(RedisOptions options, Action<RedisOptions>? change = null)
    {
        change?.Invoke(options);
        var client = options.ToClientOptions("tested");
        client.AbortOnConnectFail = true;
        client.ConnectRetry = 1;
        try
        {
            await using var redis = await ConnectionMultiplexer.ConnectAsync(client);
            await redis.GetDatabase().PingAsync();
            return true;
        }
        catch (RedisException)
        {
            return false;
        }
    }

    private PkiFiles Client => field ??= pki.ClientCertificate("controlplane");

    private RedisOptions Good() => new()
    {
        Endpoints = [$"127.0.0.1:{port}"],
        Tls = true,
        CaFile = pki.AuthorityPath,
        CertificateFile = Client.CertificatePath,
        KeyFile = Client.KeyPath,
        User = "controlplane",
        PasswordFile = Path.Combine(folder, "password"),
    };

    // The port without TLS remains for the fixture, which sees by it that the server has started; nobody may do anything there.
    private RedisServerSettings Server()
    {
        var tls = pki.ServerCertificate("redis");
        var file = Path.Combine(folder, "redis.conf");
        File.WriteAllText(file, $"""
            tls-port {port}
            tls-cert-file {tls.CertificatePath}
            tls-key-file {tls.KeyPath}
            tls-ca-cert-file {pki.AuthorityPath}
            tls-auth-clients yes
            user default off
            user controlplane on ">of the silo" ~* &* +@all -@admin -@dangerous +info

            """);
        return new RedisServerSettings { ConfigurationFile = file };
    }
}
