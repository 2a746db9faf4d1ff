using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Orleans.Connections.Security;

namespace ControlPlane.Adapters.Transport;

/// <summary>Mutual TLS by Orleans' own middleware; the other end's certificate must lead to a CA of ours and name the site.</summary>
/// <remarks>A connection is judged when it is made, and not again while it lasts.</remarks>
internal sealed partial class TlsGuard(string site, PeerCredentials.Certificate files, ILogger logger) : IPeerGuard
{
    private readonly PeerTlsFiles current = new(files, logger);

    public void Accept(IConnectionBuilder port, PeerRole who)
    {
        var options = OptionsFor(who);
        options.LocalServerCertificateSelector = (_, _) => current.Current().Own.TargetCertificate;
        options.OnAuthenticateAsServer = (_, terms) =>
        {
            var (own, authorities) = current.Current();
            var server = (SslServerAuthenticationOptions)terms.SslServerAuthenticationOptions;

            // In place of the selector, since it brings the intermediates too.
            server.ServerCertificateSelectionCallback = null;
            server.ServerCertificateContext = own;
            server.CertificateChainPolicy = PeerTrust.PolicyOf(authorities);
            server.AllowTlsResume = false;
        };
        port.UseServerTls(options);
    }

    public void Connect(IConnectionBuilder connections, PeerRole ourRole)
    {
        var options = OptionsFor(PeerRole.Silo);
        options.OnAuthenticateAsClient = (_, terms) =>
        {
            var (own, authorities) = current.Current();
            var client = (SslClientAuthenticationOptions)terms.SslClientAuthenticationOptions;
            client.ClientCertificateContext = own;
            client.CertificateChainPolicy = PeerTrust.PolicyOf(authorities);
            client.AllowTlsResume = false;
        };
        connections.UseClientTls(options);
    }

    private TlsOptions OptionsFor(PeerRole peer) => new()
    {
        HandshakeTimeout = IPeerGuard.HandshakeMax,
        RemoteCertificateMode = RemoteCertificateMode.RequireCertificate,
        RemoteCertificateValidation = (certificate, chain, errors) =>
        {
            var doubt = DoubtOrNull(certificate, chain, errors, peer);
            if (doubt is not null)
            {
                LogRefused(certificate.Subject, doubt);
            }

            return doubt is null;
        },
    };

    // The name of the host is not looked at: silos know one another by address, and the certificate says of which site they are.
    private string? DoubtOrNull(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors, PeerRole peer) =>
        PeerTrust.DoubtOrNull("the other end", chain, errors, current.Current().Authorities)
        ?? (PeerName.FaultOf(certificate, site, peer) is { } fault ? $"its certificate is not of a {peer} here: {fault}" : null);

    [LoggerMessage(LogLevel.Warning, "Refused a connection between silos and clients with the certificate {Subject}: {Reason}")]
    private partial void LogRefused(string subject, string reason);
}
