using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>Two real brokers as an overlay has them: one for unprovisioned nodes, one for the fleet.</summary>
internal sealed class ProvisioningNetwork : IAsyncDisposable
{
    private const string Seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    private ProvisioningNetwork(TestPki pki, NatsServer unprovisioned, NatsServer fleet)
    {
        Pki = pki;
        Unprovisioned = unprovisioned;
        Fleet = fleet;
        Authority = X509Certificate2.CreateFromPemFile(pki.AuthorityPath, Path.ChangeExtension(pki.AuthorityPath, ".key"));
        using var signer = TestRsa.For("signer of provisioning tokens");
        SignerKeyPem = signer.ExportRSAPrivateKeyPem();
    }

    public TestPki Pki { get; }

    public NatsServer Unprovisioned { get; }

    public NatsServer Fleet { get; }

    public X509Certificate2 Authority { get; }

    public Ed25519Key Issuer { get; } = Ed25519Key.FromSeedHex(Seed);

    public string SignerKeyPem { get; }

    /// <param name="mutualTls">Whether the fleet's broker demands client certificates.</param>
    public static async Task<ProvisioningNetwork> StartAsync(bool mutualTls, CancellationToken cancellationToken)
    {
        var pki = TestPki.Create();
        var certificate = pki.ServerCertificate("broker");
        var open = new NatsServerTls(certificate.CertificatePath, certificate.KeyPath);
        var unprovisioned = await NatsServer.StartAsync(new NatsServerSettings { Tls = open }, cancellationToken);
        var strict = mutualTls ? open with { ClientAuthorityPath = pki.AuthorityPath } : open;
        var fleet = await NatsServer.StartAsync(new NatsServerSettings { Tls = strict }, cancellationToken);
        return new ProvisioningNetwork(pki, unprovisioned, fleet);
    }

    public Task<TestProvisioner> ProvisionerAsync(CancellationToken cancellationToken, string sender = "provisioner.example.net") =>
        TestProvisioner.ConnectAsync(Unprovisioned.Url, Authority, Issuer, cancellationToken, sender);

    public async ValueTask DisposeAsync()
    {
        await Unprovisioned.DisposeAsync();
        await Fleet.DisposeAsync();
        Authority.Dispose();
        Issuer.Dispose();
        Pki.Dispose();
    }
}
