using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>TLS to a broker: its certificate must be for the host and lead to a CA that the network names.</summary>
internal static class BrokerTls
{
    /// <exception cref="BrokerLoginException">The broker cannot be trusted, or does not take our certificate.</exception>
    public static async Task<SslStream> SecureAsync(
        Stream plain, string host, BrokerLoginOptions network, BrokerCredentials credentials, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        string? doubt = null;
        try
        {
            var authorities = network.CaFile is { } file ? Authorities(file) : null;
            await secure.AuthenticateAsClientAsync(
                Options(host, authorities, credentials, (chain, errors) => doubt = Doubt(host, chain, errors, authorities)),
                cancellationToken);
            return secure;
        }
        catch (Exception untrusted) when (untrusted is AuthenticationException or IOException)
        {
            await secure.DisposeAsync();
            throw new BrokerLoginException($"TLS failed: {doubt ?? untrusted.Message}", untrusted);
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

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

    private static SslClientAuthenticationOptions Options(
        string host,
        X509Certificate2Collection? authorities,
        BrokerCredentials credentials,
        Func<X509Chain?, SslPolicyErrors, string?> doubt)
    {
        // The file may hold an intermediate alone, as Choria's brokers and nodes take it. The platform takes self-signed roots for anchors
        // only, so it is asked for any chain, and the chain for one of ours.
        var policy = authorities is null ? null : new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority,
        };
        policy?.CustomTrustStore.AddRange(authorities!);
        policy?.ExtraStore.AddRange(authorities!);
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = policy,
            ClientCertificateContext = credentials.Certificate,
            RemoteCertificateValidationCallback = (_, _, chain, errors) => doubt(chain, errors) is null,
        };
    }

    private static string? Doubt(string host, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection? authorities)
    {
        if (chain is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "the broker showed no certificate";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"the broker's certificate is not for '{host}'";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            var faults = chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct(StringComparer.Ordinal);
            return $"the broker's certificate is not trusted: {string.Join("; ", faults)}";
        }

        return authorities is null || chain.ChainElements.Any(element => IsAmong(authorities, element.Certificate))
            ? null
            : "the broker's certificate leads to none of the CAs in CaFile";
    }

    private static bool IsAmong(X509Certificate2Collection authorities, X509Certificate2 certificate) =>
        authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

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
