using System.Net;
using System.Net.Sockets;
using System.Text;
using ControlPlane.Adapters.Transport;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Who may reach the ports of a silo, tried with silos and clients that Orleans itself runs.</summary>
public sealed class SiloPortsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;
    private readonly TestPki pki;
    private readonly TestPki strangers;

    public SiloPortsTests()
    {
        pki = TestPki.Create(Path.Combine(folder, "pki"));
        strangers = TestPki.Create(Path.Combine(folder, "strangers"));
        foreach (var site in (string[])[PortsSite.Name, "eu-2"])
        {
            foreach (var role in Enum.GetValues<PeerRole>())
            {
                pki.PeerCertificate($"{site}-{role}", PeerName.Of(site, role));
                strangers.PeerCertificate($"{site}-{role}", PeerName.Of(site, role));
            }
        }

        pki.ServerCertificate("unnamed");
        LocalSecret.ReadOrMake(Path.Combine(folder, "ours.secret"));
        LocalSecret.ReadOrMake(Path.Combine(folder, "others.secret"));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        pki.Dispose();
        strangers.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("eu-1-Silo", "eu-1-Client")]
    [InlineData("ours.secret", "ours.secret")]
    public async Task SilosOfASite_FindOneAnother_AndLetItsClientsIn(string silo, string client)
    {
        await using var site = await PortsSite.StartAsync(Cancel);
        var first = await site.StartSiloAsync(Settings(silo), Cancel);
        var second = await site.StartSiloAsync(Settings(silo), Cancel);

        foreach (var (_, gateway) in (IEnumerable<(int, int)>)[first, second])
        {
            var members = await PortsSite.MembersAsync(await site.ConnectAsync(gateway, Credentials(client), Cancel));
            Assert.Equal(((int[])[first.Port, second.Port]).Order(), members);
        }
    }

    [Theory]
    [InlineData("eu-1-Silo", null)]
    [InlineData("eu-1-Silo", "ours.secret")]
    [InlineData("eu-1-Silo", "unnamed")]
    [InlineData("eu-1-Silo", "eu-1-Client")]
    [InlineData("eu-1-Silo", "eu-2-Silo")]
    [InlineData("eu-1-Silo", "strangers/eu-1-Silo")]
    [InlineData("ours.secret", null)]
    [InlineData("ours.secret", "others.secret")]
    public async Task ASilo_ThatDoesNotProveItself_DoesNotJoin_ThoughItHasRedis(string silo, string? rogue)
    {
        await using var site = await PortsSite.StartAsync(Cancel);
        var (port, gateway) = await site.StartSiloAsync(Settings(silo), Cancel);

        await Assert.ThrowsAnyAsync<Exception>(
            () => site.StartSiloAsync(Settings(rogue ?? "ours.secret"), Cancel, isGuarded: rogue is not null, isStranger: true));

        var client = silo.EndsWith("secret", StringComparison.Ordinal) ? silo : "eu-1-Client";
        Assert.Equal([port], await PortsSite.MembersAsync(await site.ConnectAsync(gateway, Credentials(client), Cancel)));
    }

    [Theory]
    [InlineData("eu-1-Silo", null)]
    [InlineData("eu-1-Silo", "unnamed")]
    [InlineData("eu-1-Silo", "eu-1-Silo")]
    [InlineData("eu-1-Silo", "eu-2-Client")]
    [InlineData("eu-1-Silo", "strangers/eu-1-Client")]
    [InlineData("ours.secret", null)]
    [InlineData("ours.secret", "others.secret")]
    public async Task AClient_ThatDoesNotProveItself_IsNotLetIn(string silo, string? client)
    {
        await using var site = await PortsSite.StartAsync(Cancel);
        var (_, gateway) = await site.StartSiloAsync(Settings(silo), Cancel);

        await Assert.ThrowsAnyAsync<Exception>(
            () => site.ConnectAsync(gateway, client is null ? null : Credentials(client), Cancel, isStranger: true));
    }

    /// <summary>Orleans greets whoever connects with the name of its cluster, which is all that a rogue silo needs.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("eu-1-Silo")]
    [InlineData("ours.secret")]
    public async Task ThePort_SaysWhoItIs_OnlyToWhoProvesItself(string? silo)
    {
        await using var site = await PortsSite.StartAsync(Cancel);
        var (port, _) = await site.StartSiloAsync(Settings(silo ?? "ours.secret"), Cancel, isGuarded: silo is not null);
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, port, Cancel);

        // Orleans itself greets at once, and may be quicker to close on nonsense than to greet: it gets none.
        await stranger.GetStream().WriteAsync(new byte[silo is null ? 0 : 256], Cancel);

        var heard = new StringBuilder();
        try
        {
            var buffer = new byte[1024];
            for (int read; (read = await stranger.GetStream().ReadAsync(buffer, Cancel)) > 0;)
            {
                heard.Append(Encoding.Latin1.GetString(buffer, 0, read));
                if (heard.ToString().Contains($"{PortsSite.Name}@1", StringComparison.Ordinal))
                {
                    break;
                }
            }
        }
        catch (IOException)
        {
            // Reset rather than closed.
        }

        Assert.Equal(silo is null, heard.ToString().Contains($"{PortsSite.Name}@1", StringComparison.Ordinal));
    }

    /// <summary>Folders are swapped by a link, as Kubernetes does it with what it mounts.</summary>
    [Fact]
    public async Task CertificatesAndCas_AreRenewed_WithoutARestart()
    {
        var current = Path.Combine(folder, "current");
        Directory.CreateSymbolicLink(current, pki.Folder);
        await using var site = await PortsSite.StartAsync(Cancel);
        var (first, gateway) = await site.StartSiloAsync(Settings("current/eu-1-Silo"), Cancel);
        await site.ConnectAsync(gateway, Credentials("eu-1-Client"), Cancel);

        Directory.Delete(current);
        Directory.CreateSymbolicLink(current, strangers.Folder);

        await Assert.ThrowsAnyAsync<Exception>(() => site.ConnectAsync(gateway, Credentials("eu-1-Client"), Cancel, isStranger: true));
        var client = await site.ConnectAsync(gateway, Credentials("strangers/eu-1-Client"), Cancel);
        var (second, _) = await site.StartSiloAsync(Settings("strangers/eu-1-Silo"), Cancel);
        Assert.Equal(((int[])[first, second]).Order(), await PortsSite.MembersAsync(client));
    }

    private IEnumerable<(string Key, string Value)> Settings(string name) => Credentials(name) switch
    {
        PeerCredentials.Certificate files =>
        [
            ("Silo:Tls:CertificateFile", files.CertificateFile), ("Silo:Tls:KeyFile", files.KeyFile), ("Silo:Tls:CaFile", files.CaFile),
        ],
        PeerCredentials.Secret { File: var file } => [("Silo:SecretFile", file)],
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private PeerCredentials Credentials(string name)
    {
        if (name.EndsWith("secret", StringComparison.Ordinal))
        {
            return new PeerCredentials.Secret(Path.Combine(folder, name));
        }

        var path = Path.Combine(folder, name.Contains('/', StringComparison.Ordinal) ? name : $"pki/{name}");
        return new PeerCredentials.Certificate($"{path}.pem", $"{path}.key", Path.Combine(Path.GetDirectoryName(path)!, "ca.pem"));
    }
}
