using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Makes the disks of nodes that begin their life enrolled.</summary>
internal sealed class EnrolledFiles : IDisposable
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(365);

    private readonly Ed25519Key issuer;
    private readonly EnrolledNodes enrolled;
    private readonly SimulatedFleetOptions options;
    private readonly Random random;
    private readonly NodeConfiguration configuration;

    /// <exception cref="ArgumentException">The options do not make enrolled nodes.</exception>
    public EnrolledFiles(EnrolledNodes enrolled, SimulatedFleetOptions options, Random random)
    {
        (this.enrolled, this.options, this.random) = (enrolled, options, random);
        if (options.Protocol != FleetProtocol.V2 || options.IssuerSeed is not { } seed)
        {
            throw new ArgumentException("enrolled nodes speak protocol V2 and need IssuerSeed", nameof(options));
        }

        issuer = Ed25519Key.FromSeedHex(seed);
        configuration = NodeConfiguration.From(new Dictionary<string, string>(enrolled.Settings)
        {
            ["plugin.choria.server.provision"] = "false",
            ["plugin.choria.middleware_hosts"] = enrolled.Brokers,
            ["plugin.security.provider"] = "choria",
            ["collectives"] = enrolled.Collective,
            ["plugin.security.issuer.names"] = options.Organization,
            [$"plugin.security.issuer.{options.Organization}.public"] = issuer.PublicKeyHex,
        });
    }

    public NodeFiles For(string identity)
    {
        var seed = new byte[Ed25519Key.SeedBytes];
        random.NextBytes(seed);
        using var key = Ed25519Key.FromSeed(seed);
        var claims = new ServerClaims
        {
            Identity = identity,
            Collectives = [enrolled.Collective],
            PublicKey = key.PublicKeyHex,
            OrganizationUnit = options.Organization,
            Permissions = new ServerPermissions(Submission: true, Streams: true),
        };
        return NodeFiles.Empty with
        {
            Configuration = configuration,
            Seed = seed,
            Ed25519PublicKey = key.PublicKeyHex,
            ServerToken = TokenIssuer.Organization(issuer).Issue(claims, TokenLifetime, options.Time.GetUtcNow()),
        };
    }

    public void Dispose() => issuer.Dispose();
}
