using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>TLS to a broker: its certificate must be for the host and lead to a CA that the network names.</summary>
internal static class BrokerTls
{
    /// <exception cref="BrokerLoginException">The broker cannot be trusted, or does not take our certificate.</exception>
    public static async Task<SslStream> SecureAsync(
        Stream plain, string host, BrokerLoginOptions network, BrokerCredentials credentials, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            var authorities = network.CaFile is { } file ? Authorities(file) : null;
            var terms = new BrokerTlsTerms(host, authorities, IsVerified: true, credentials.Certificate);
            return await HandshakeAsync(secure, terms, cancellationToken) is { } doubt
                ? throw new BrokerLoginException($"TLS failed: {doubt}")
                : secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    /// <summary>Shakes hands.</summary>
    /// <returns>Why it did not come to that; null when it did.</returns>
    public static async Task<string?> HandshakeAsync(SslStream secure, BrokerTlsTerms terms, CancellationToken cancellationToken)
    {
        string? doubt = null;
        try
        {
            await secure.AuthenticateAsClientAsync(
                Options(terms, (chain, errors) => doubt = terms.IsVerified ? Doubt(terms.Host, chain, errors, terms.Authorities) : null),
                cancellationToken);
            return null;
        }
        catch (Exception untrusted) when (untrusted is AuthenticationException or IOException)
        {
            return doubt ?? untrusted.Message;
        }
    }

    /// <summary>
    /// Whether a broker that asks for certificates of some CAs asks for those of one of ours. One that names none takes what it knows.
    /// </summary>
    public static bool Takes(IReadOnlyList<string> acceptedIssuers, X509Certificate2Collection? authorities) =>
        acceptedIssuers.Count == 0 || authorities?.Any(authority => acceptedIssuers.Contains(authority.Subject)) == true;

    /// <summary>The name that a broker's certificate must hold.</summary>
    /// <remarks>
    /// Brokers tell their clients of one another by address, and their certificates hold names: one that was told of by its address is held
    /// to the name of the configured broker that told of it, as NATS' own clients do.
    /// </remarks>
    public static string HostOf(Uri broker, IReadOnlyList<string> configured, string? lastConfiguredHost) =>
        lastConfiguredHost is not null
        && Uri.CheckHostName(lastConfiguredHost) == UriHostNameType.Dns
        && Uri.CheckHostName(broker.Host) != UriHostNameType.Dns
        && !IsConfigured(broker, configured)
            ? lastConfiguredHost
            : broker.Host;

    public static bool IsConfigured(Uri broker, IReadOnlyList<string> configured) =>
        configured.Select(url => new Uri(url)).Any(known => known.Host == broker.Host && PortOf(known) == PortOf(broker));

    /// <summary>A URL's port; NATS' own where it has none.</summary>
    public static int PortOf(Uri broker) => broker.Port > 0 ? broker.Port : 4222;

    private static SslClientAuthenticationOptions Options(BrokerTlsTerms terms, Func<X509Chain?, SslPolicyErrors, string?> doubt)
    {
        var authorities = terms.Authorities;
        return new SslClientAuthenticationOptions
        {
            TargetHost = terms.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = authorities is null ? null : PeerTrust.PolicyOf(authorities),
            ClientCertificateContext = terms.Certificate,
            LocalCertificateSelectionCallback = terms.Certificate is null ? terms.NoteIssuers : null,
            RemoteCertificateValidationCallback = (_, _, chain, errors) => doubt(chain, errors) is null,
        };
    }

    private static string? Doubt(string host, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection? authorities) =>
        errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) && !errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)
            ? $"the broker's certificate is not for '{host}'"
            : PeerTrust.DoubtOrNull("the broker", chain, errors, authorities);

    private static X509Certificate2Collection Authorities(string file)
    {
        try
        {
            return PemCertificates.ReadFile(file);
        }
        catch (Exception unreadable) when (
            unreadable is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new BrokerLoginException($"CaFile '{file}' cannot be used: {unreadable.Message}", unreadable);
        }
    }
}

/// <summary>On what terms TLS is spoken to a broker.</summary>
/// <param name="Host">The name that its certificate must hold.</param>
/// <param name="Authorities">The CAs to which it must lead; null for those of the machine.</param>
/// <param name="IsVerified">Whether any of this is asked of it.</param>
/// <param name="Certificate">What we show; null when nothing.</param>
internal sealed record BrokerTlsTerms(
    string Host, X509Certificate2Collection? Authorities, bool IsVerified, SslStreamCertificateContext? Certificate)
{
    /// <summary>The CAs of which the broker takes certificates, where it names them and we show none.</summary>
    public IReadOnlyList<string> AcceptedIssuers { get; private set; } = [];

    public X509Certificate NoteIssuers(
        object sender, string targetHost, X509CertificateCollection localCertificates, X509Certificate? shown, string[] acceptableIssuers)
    {
        AcceptedIssuers = acceptableIssuers;
        return null!;
    }
}
