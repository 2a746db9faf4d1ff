using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>TLS as an agent in provisioning mode uses it: always on, never verified.</summary>
/// <remarks>A provisioned agent would verify the broker by the CA it was given; the simulator does not, see the README.</remarks>
internal static class BrokerTls
{
    // A name, so that the runtime keeps one OpenSSL context for all connections without a client certificate: a context
    // for each costs a third of the handshake. Brokers that choose no certificate by name ignore it.
    private const string SharedContextName = "choria.broker";

    // The chain is built even when nobody looks at it; without the machine's roots and revocation it costs little.
    private static readonly X509ChainPolicy BuildNothing = new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    public static SslClientAuthenticationOptions Options(SslStreamCertificateContext? certificate, bool resume) => new()
    {
        TargetHost = resume ? SharedContextName : "",
        AllowTlsResume = resume,
        ClientCertificateContext = certificate,
        CertificateChainPolicy = BuildNothing,
#pragma warning disable CA5359 // The agent does not verify brokers while it is being provisioned; that is what is simulated.
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
