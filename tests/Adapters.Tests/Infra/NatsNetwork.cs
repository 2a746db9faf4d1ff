using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Infra;

/// <summary>A nats-server that runs one of the configurations of <c>infra/nats</c>, with the site's values of a test.</summary>
internal sealed class NatsNetwork : IAsyncDisposable
{
    public const string ProvisionerPassword = "provisioner's";
    public const string UnprovisionedPassword = "unprovisioned's";
    public const string ControlPlanePassword = "control plane's";
    public const string NodePassword = "node's";

    private readonly DirectoryInfo _folder;

    private NatsNetwork(DirectoryInfo folder, TestPki pki, NatsServer server)
    {
        _folder = folder;
        Pki = pki;
        Server = server;
    }

    public TestPki Pki { get; }

    public NatsServer Server { get; }

    public static async Task<NatsNetwork> StartAsync(string configuration, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("controlplane-network-");
        var pki = TestPki.Create();
        var file = Path.Combine(folder.FullName, configuration);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "infra/nats", configuration), file);
        var site = SiteOf(configuration, folder.FullName, pki);
        var lines = site.Select(value => $"{value.Key}: {value.Value}");
        await File.WriteAllLinesAsync(Path.Combine(folder.FullName, "site.conf"), lines, cancellationToken);

        // Both ends of what the configurations are for.
        var program = configuration == "overlay-v2.conf" ? NatsPrograms.Newest : NatsPrograms.Installed;
        var server = await NatsServer.StartAsync(
            new NatsServerSettings { ConfigurationFile = file, Program = program }, cancellationToken);
        return new NatsNetwork(folder, pki, server);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Pki.Dispose();
        _folder.Delete(recursive: true);
    }

    private static Dictionary<string, string> SiteOf(string configuration, string folder, TestPki pki)
    {
        var broker = pki.ServerCertificate("broker");
        var site = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["SERVER_NAME"] = "\"broker1\"",
            ["TLS_CERTIFICATE"] = $"\"{broker.CertificatePath}\"",
            ["TLS_KEY"] = $"\"{broker.KeyPath}\"",
        };
        if (configuration == "provisioning.conf")
        {
            site["PROVISIONING_STORE"] = $"\"{folder}/store\"";
            site["PROVISIONER_PASSWORD"] = $"\"{ProvisionerPassword}\"";
            site["UNPROVISIONED_PASSWORD"] = $"\"{UnprovisionedPassword}\"";
            return site;
        }

        site["OVERLAY_STORE"] = $"\"{folder}/store\"";
        site["CONTROLPLANE_PASSWORD"] = $"\"{ControlPlanePassword}\"";
        site["NODE_PASSWORD"] = $"\"{NodePassword}\"";
        if (configuration == "overlay-v1.conf")
        {
            site["NODE_CA"] = $"\"{pki.AuthorityPath}\"";
        }

        return site;
    }
}
