using System.Net;
using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Access;
using ControlPlane.Adapters.Fleet.Replication;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Api;
using ControlPlane.Health;
using ControlPlane.Hosting;
using ControlPlane.Placement;

namespace ControlPlane.Configuration;

/// <param name="Name">By which an operator accepts it.</param>
/// <param name="Key">The setting that opens it.</param>
/// <param name="Detail">What it opens, and the remedy.</param>
internal sealed record Risk(string Name, string Key, string Detail)
{
    public override string ToString() => $"{Name}: {Key} {Detail}";
}

/// <summary>What a configuration leaves open to whoever can reach the machine's network.</summary>
internal static partial class Risks
{
    public const string ApiWithoutTls = "api-without-tls";
    public const string AuditWithoutSync = "audit-without-sync";
    public const string HealthWithoutTls = "health-without-tls";
    public const string NatsWithoutTls = "nats-without-tls";
    public const string RedisWithoutPassword = "redis-without-password";
    public const string RedisWithoutTls = "redis-without-tls";
    public const string SitesWithoutKeys = "sites-without-keys";

    /// <summary>All names; <c>docs/SECURITY.md</c> says of each what it means.</summary>
    public static readonly IReadOnlyList<string> Names =
        [ApiWithoutTls, AuditWithoutSync, HealthWithoutTls, NatsWithoutTls, RedisWithoutPassword, RedisWithoutTls, SitesWithoutKeys];

    /// <summary>The risks of a configuration whose values can be read.</summary>
    public static IReadOnlyList<Risk> Of(IConfiguration configuration) =>
    [
        .. OfApi(Bound<ApiOptions>(configuration, ApiOptions.Section)),
        .. OfHealth(Bound<HealthOptions>(configuration, HealthOptions.Section)),
        .. OfAudit(
            Bound<AuditOptions>(configuration, AuditOptions.Section), Bound<FleetOptions>(configuration, FleetOptions.Section)),
        .. OfRedis(Bound<RedisOptions>(configuration, RedisOptions.Section)),
        .. OfBrokers(
            Bound<FleetOptions>(configuration, FleetOptions.Section),
            Bound<AccessBrokersOptions>(configuration, AccessBrokersOptions.Section),
            Bound<ReplicationOptions>(configuration, ReplicationOptions.Section)),
        .. OfSites(
            Bound<OverlaysOptions>(configuration, OverlaysOptions.Section),
            Bound<FleetOptions>(configuration, FleetOptions.Section),
            Bound<SitesOptions>(configuration, SitesOptions.Section)),
    ];

    /// <summary>What keeps a silo from starting: risks that nobody accepted, and names that are no risk's.</summary>
    public static IEnumerable<ConfigurationFault> Faults(IConfiguration configuration)
    {
        var accepted = Bound<RisksOptions>(configuration, RisksOptions.Section).Accepted;
        var unknown = accepted.Index().Where(one => !Names.Contains(one.Item)).Select(one => new ConfigurationFault(
            $"{RisksOptions.Section}:{nameof(RisksOptions.Accepted)}:{one.Index}",
            $"'{one.Item}' is not the name of a risk; there are {string.Join(", ", Names)}"));
        return Of(configuration).Where(risk => !accepted.Contains(risk.Name))
            .Select(risk => new ConfigurationFault(
                risk.Key, $"{risk.Detail}, or add {risk.Name} to {RisksOptions.Section}:{nameof(RisksOptions.Accepted)}"))
            .Concat(unknown);
    }

    /// <summary>Says at each start what stands open with the operator's consent.</summary>
    public static void LogAccepted(IConfiguration configuration, ILogger logger)
    {
        foreach (var risk in Of(configuration))
        {
            LogAccepted(logger, risk);
        }
    }

    private static IEnumerable<Risk> OfApi(ApiOptions api) =>
        from url in api.Listen.Index()
        let listen = ListenUrl.Parse(url.Item)
        where listen is { Tls: false } && !IPAddress.IsLoopback(listen.Endpoint.Address)
        select new Risk(ApiWithoutTls, $"{ApiOptions.Section}:{nameof(api.Listen)}:{url.Index}",
            "carries access tokens in the clear: use https://");

    private static IEnumerable<Risk> OfHealth(HealthOptions health) =>
        from url in health.Listen.Index()
        let listen = ListenUrl.Parse(url.Item)
        where listen is not null && !IPAddress.IsLoopback(listen.Endpoint.Address)
        select new Risk(HealthWithoutTls, $"{HealthOptions.Section}:{nameof(health.Listen)}:{url.Index}",
            "tells whoever reaches it the metrics, without TLS or a token: listen on a network for monitoring alone");

    private static IEnumerable<Risk> OfAudit(AuditOptions audit, FleetOptions fleet) =>
        fleet.Overlays.Values.Any(IsBeyondLoopback) && AuditRegistration.FindSync(audit, fleet) is null
            ? [new Risk(AuditWithoutSync, $"{AuditOptions.Section}:{nameof(audit.Folder)}",
                "is none, so that a record of a call may be lost with the power of a machine: " + AuditRegistration.Remedy)]
            : [];

    private static IEnumerable<Risk> OfRedis(RedisOptions redis)
    {
        if (redis.Endpoints.All(endpoint => IsLoopback(endpoint[..Math.Max(0, endpoint.LastIndexOf(':'))])))
        {
            yield break;
        }

        if (redis.PasswordFile.Length == 0)
        {
            yield return new Risk(RedisWithoutPassword, $"{RedisOptions.Section}:{nameof(redis.Endpoints)}",
                "lets whoever reaches it change what is known of every node: set Redis:PasswordFile");
        }

        if (!redis.Tls)
        {
            yield return new Risk(RedisWithoutTls, $"{RedisOptions.Section}:{nameof(redis.Endpoints)}",
                "carries the state of the fleet and the password in the clear: set Redis:Tls");
        }
    }

    private static IEnumerable<Risk> OfBrokers(FleetOptions fleet, AccessBrokersOptions access, ReplicationOptions replication) =>
        from network in (IEnumerable<(string Key, BrokerLoginOptions Login)>)
        [
            .. fleet.Networks().Select(
                one => ($"{FleetOptions.Section}:{FleetOptions.PathOf(one.Key)}", (BrokerLoginOptions)one.Value)),
            .. access.Networks.Select(one => ($"{AccessBrokersOptions.Section}:{nameof(access.Networks)}:{one.Key}", one.Value)),
            .. replication.Logins().Select(one => ($"{ReplicationOptions.Section}:{one.Path}", one.Login)),
        ]
        where !network.Login.Tls && IsBeyondLoopback(network.Login)
        select new Risk(NatsWithoutTls, $"{network.Key}:{nameof(BrokerLoginOptions.Tls)}",
            "is off for a broker on another machine, which anybody on the way can then be: leave it on");

    // By whatever network: what goes over the link is on the brokers of both ends.
    private static IEnumerable<Risk> OfSites(OverlaysOptions overlays, FleetOptions fleet, SitesOptions sites) =>
        !sites.AreUsed() && overlays.Members.Keys.Any(overlay => !overlays.Serves(overlay)) && fleet.Overlays.Values.Any(IsBeyondLoopback)
            ? [new Risk(SitesWithoutKeys, $"{SitesOptions.Section}:{nameof(sites.SeedFile)}",
                "is needed for each site: without keys, whoever may publish on the region's link is obeyed as any of its sites")]
            : [];

    private static bool IsBeyondLoopback(BrokerLoginOptions network) =>
        network.Urls.Exists(url => !Uri.TryCreate(url, UriKind.Absolute, out var uri) || !uri.IsLoopback);

    private static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static T Bound<T>(IConfiguration configuration, string section)
        where T : new() => configuration.GetSection(section).Get<T>() ?? new T();

    [LoggerMessage(LogLevel.Warning, "Accepted risk {Risk}")]
    private static partial void LogAccepted(ILogger logger, Risk risk);
}
