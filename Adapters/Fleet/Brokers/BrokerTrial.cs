using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>What one broker is to a node that would log in to it.</summary>
/// <param name="Reason">What is wrong with it; empty where nothing is.</param>
internal abstract record BrokerTrialResult(string Reason)
{
    /// <summary>Nothing that can be seen from here speaks against it.</summary>
    public sealed record Fits() : BrokerTrialResult("");

    /// <summary>It would refuse the node, or the node it.</summary>
    public sealed record Unfit(string Reason) : BrokerTrialResult(Reason);

    /// <summary>It could not be looked at: it may be as good as the others.</summary>
    public sealed record Away(string Reason) : BrokerTrialResult(Reason);
}

/// <summary>Goes to one broker as a node would.</summary>
/// <param name="login">What the node is given.</param>
/// <param name="authorities">The CAs by which it verifies brokers; null when it verifies none.</param>
/// <param name="credentials">What the node will show, its token another one like it; its certificate left out.</param>
internal sealed class BrokerTrial(NodeLogin login, X509Certificate2Collection? authorities, BrokerCredentials credentials)
{
    public async Task<BrokerTrialResult> GoAsync(string broker, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(broker.Contains("://", StringComparison.Ordinal) ? broker : $"nats://{broker}", UriKind.Absolute, out var url))
        {
            return new BrokerTrialResult.Unfit("it is no address");
        }

        try
        {
            await Dns.GetHostAddressesAsync(url.IdnHost, cancellationToken);
        }
        catch (SocketException)
        {
            return new BrokerTrialResult.Unfit($"the name '{url.IdnHost}' does not resolve");
        }

        try
        {
            await using var plain = await BrokerLogin.ConnectAsync(url, cancellationToken);
            return await LogInAsync(plain, url.IdnHost, cancellationToken);
        }
        catch (BrokerLoginException away)
        {
            return new BrokerTrialResult.Away(away.Message);
        }
        catch (IOException lost)
        {
            return new BrokerTrialResult.Away(lost.Message);
        }
    }

    private async Task<BrokerTrialResult> LogInAsync(Stream plain, string host, CancellationToken cancellationToken)
    {
        var line = await new BrokerLines(plain).ReadAsync(cancellationToken);
        var greeting = BrokerGreeting.Read(line);
        if (!greeting.TlsRequired && !greeting.TlsAvailable)
        {
            return new BrokerTrialResult.Unfit("it does not offer TLS, which nodes demand");
        }

        var tls = new BrokerTlsTerms(host, authorities, IsVerified: authorities is not null, Certificate: null);
        await using var secure = new SslStream(plain, leaveInnerStreamOpen: true);
        if (await BrokerTls.HandshakeAsync(secure, tls, cancellationToken) is { } doubt)
        {
            return new BrokerTrialResult.Unfit(doubt);
        }

        if (login.HasCertificate && !BrokerTls.Takes(tls.AcceptedIssuers, authorities))
        {
            return new BrokerTrialResult.Unfit(
                $"it takes certificates of {string.Join(" and ", tls.AcceptedIssuers)} only, and the node's comes from none of them");
        }

        var lines = new BrokerLines(secure);
        var exchange = new BrokerExchange(secure, lines, line);
        string? refusal = null;
        try
        {
            await exchange.SayAsync(
                BrokerLogin.ConnectOf(NodeLoginCheck.TrialIdentity, isEncrypted: true, credentials, greeting.Nonce), cancellationToken);
            await exchange.UntilPongAsync(said => refusal ??= said, cancellationToken);
        }
        catch (Exception ended) when (ended is IOException or BrokerLoginException)
        {
            refusal ??= "it ended the connection during the login; it may demand a client certificate";
        }

        // What the certificate would have changed only the node can show.
        return refusal is null || login.HasCertificate
            ? new BrokerTrialResult.Fits()
            : new BrokerTrialResult.Unfit($"it refuses what the node is to log in with: {refusal}");
    }
}
