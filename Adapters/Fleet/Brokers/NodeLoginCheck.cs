using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>Looks at the brokers of a login, and remembers for a while what it found.</summary>
internal sealed partial class NodeLoginCheck(IServerTokenIssuer tokens, TimeProvider time, ILogger<NodeLoginCheck> logger) : INodeLoginCheck
{
    /// <summary>By what name it logs in: no node's, since it has no dot that a node's own name would have.</summary>
    public const string TrialIdentity = "controlplane-login-check";

    /// <summary>Logins that are remembered: overlays, times kinds of credentials, times chains while one is renewed.</summary>
    private const int KnownMax = 256;

    private static readonly TimeSpan VisitMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GoodFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BadFor = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<NodeLogin, Look> known = new();

    public async Task<string?> FindFaultAsync(NodeLogin login, CancellationToken cancellationToken)
    {
        if (known.Count > KnownMax)
        {
            known.Clear();
        }

        var look = known.GetOrAdd(login, Begin);
        if (look.IsOver(time.GetUtcNow()))
        {
            // One of those who find it old looks again, for all.
            var next = Begin(login);
            look = known.TryUpdate(login, next, look) ? next : known.GetOrAdd(login, next);
        }

        return await look.Fault.Value.WaitAsync(cancellationToken);
    }

    private Look Begin(NodeLogin login) => new(new Lazy<Task<string?>>(() => LookAsync(login)), time.GetUtcNow());

    private async Task<string?> LookAsync(NodeLogin login)
    {
        using var key = Ed25519Key.Generate();
        X509Certificate2Collection? authorities;
        try
        {
            authorities = login.AuthoritiesPem is { } pem ? PemCertificates.Read(pem) : null;
        }
        catch (CryptographicException unreadable)
        {
            return $"the CAs that it is given cannot be read: {unreadable.Message}";
        }

        var token = login.Organization is { } organization ? Token(organization, key) : null;
        using var credentials = new BrokerCredentials(
            login.User, login.Password, token, Convert.FromHexString(key.ExportSeedHex()), Certificate: null);
        var visit = new BrokerTrial(login, authorities, credentials);
        var brokers = login.Brokers.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var found = await Task.WhenAll(brokers.Select(async broker => (broker, await VisitAsync(visit, broker))));
        var fault = Judge(found);
        if (fault is not null)
        {
            LogUnfit(fault);
        }

        return fault;
    }

    /// <summary>One broker that does not fit is a fault, since nodes take any; of those that are away one is enough.</summary>
    internal static string? Judge(IReadOnlyList<(string Broker, BrokerTrialResult Visit)> found)
    {
        var unfit = found.Where(one => one.Visit is BrokerTrialResult.Unfit).ToList();
        var told = unfit.Count > 0 ? unfit : found.All(one => one.Visit is BrokerTrialResult.Away) ? found : [];
        return told.Count == 0
            ? null
            : string.Join("; ", told.Select(one => $"{one.Broker}: {one.Visit.Reason}"));
    }

    private async Task<BrokerTrialResult> VisitAsync(BrokerTrial visit, string broker)
    {
        using var patience = new CancellationTokenSource(VisitMax, time);
        try
        {
            return await visit.GoAsync(broker, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return new BrokerTrialResult.Away($"no answer within {VisitMax.TotalSeconds:0} s");
        }
    }

    private string Token(string organization, Ed25519Key key) => tokens.Issue(
        new ServerTokenOrder(TrialIdentity, key.PublicKeyHex, ["choria"], organization, TokenLifetime), time.GetUtcNow()).Token;

    [LoggerMessage(LogLevel.Error, "Nodes are not configured, since they would not come back to their brokers: {Reason}")]
    private partial void LogUnfit(string reason);

    private sealed record Look(Lazy<Task<string?>> Fault, DateTimeOffset BegunAt)
    {
        public bool IsOver(DateTimeOffset now) => Fault is { IsValueCreated: true, Value.IsCompleted: true }
            && now - BegunAt > (Fault.Value is { IsCompletedSuccessfully: true, Result: null } ? GoodFor : BadFor);
    }
}
