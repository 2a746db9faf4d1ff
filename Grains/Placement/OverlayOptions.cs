using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Placement;

/// <summary>The overlays of this silo's region, and which one this silo runs. Section <c>Overlays</c>.</summary>
public sealed class OverlaysOptions
{
    public const string Section = "Overlays";

    internal const string Name = "^[a-z0-9-]{1,63}$";
    private const string NotAName = "must be 1 to 63 characters of a-z, 0-9 and '-'";

    /// <summary>The region's name. 1 to 63 characters of a-z, 0-9 and '-'.</summary>
    [Required(ErrorMessage = NotAName), RegularExpression(Name, ErrorMessage = NotAName)]
    public string Region { get; set; } = "";

    /// <summary>
    /// The overlay that this silo runs; a key of <see cref="Members"/>. Its name is in all its stored state: never change it. Required.
    /// </summary>
    public string Local { get; set; } = "";

    /// <summary>
    /// The overlay whose silos hold the region's placement until another is promoted; a key of <see cref="Members"/>. The same in all
    /// overlays of the region. <see cref="Local"/> by default, for a region of one overlay.
    /// </summary>
    public string? Leader { get; set; }

    /// <summary>How long the leader's site and the others may take to answer each other. 0.1 to 30 seconds; 2 seconds by default.</summary>
    [Between("00:00:00.1", "00:00:30")]
    public TimeSpan LeaderPatience { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a place is held for an enrolment that neither arrives nor ends; asking again for the same enrolment renews it.
    /// 1 minute to 1 day; 30 minutes by default.
    /// </summary>
    [Between("00:01:00", "1.00:00:00")]
    public TimeSpan LeaseLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>The region's overlays by name.</summary>
    public Dictionary<string, OverlayOptions> Members { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Whether this silo's cluster owns the nodes of an overlay; those of others are reached over the link.</summary>
    public bool Serves(string overlay) => ServedBy(overlay) == Local;

    /// <summary>The overlay whose silos own the nodes of another, which is that one itself unless it is configured otherwise.</summary>
    public string ServedBy(string overlay) => Members.GetValueOrDefault(overlay)?.ServedBy ?? overlay;
}

/// <summary>One overlay: where its brokers are, how many nodes it takes and what its nodes are given.</summary>
public sealed class OverlayOptions
{
    // Not the literal, which the compiler shares with others: AddOverlayPlacement knows by this very object that it is the default.
    internal static readonly string DefaultCollective = new("choria");

    /// <summary>The brokers as nodes reach them, e.g. <c>nats://broker1.example.net:4222</c>. At least one.</summary>
    public List<string> Brokers { get; set; } = [];

    /// <summary>
    /// Whether a silo looks at <see cref="Brokers"/> as nodes will, by TLS and log-in, before it configures nodes for them. True by
    /// default; false only where silos cannot reach them by the addresses that nodes have.
    /// </summary>
    public bool CheckBrokers { get; set; } = true;

    /// <summary>The overlay's collectives; the first is the main one. <c>choria</c> by default.</summary>
    public List<string> Collectives { get; set; } = [DefaultCollective];

    /// <summary>Never more nodes and reservations than this. 1 to 100 000; 20 000 by default.</summary>
    [Between(1, 100_000)]
    public int HardLimit { get; set; } = 20_000;

    /// <summary>
    /// Above this many, only members of groups that live here are taken. 1 to <see cref="HardLimit"/>; 18 000 by default.
    /// </summary>
    public int SoftLimit { get; set; } = 18_000;

    /// <summary>Free labels that placement rules may name.</summary>
    public Dictionary<string, string> Labels { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// The overlay whose silos serve this one as well; a key of <see cref="OverlaysOptions.Members"/>. By default it has silos of its own:
    /// each overlay is a cluster for itself, which goes on when others are lost.
    /// </summary>
    public string? ServedBy { get; set; }

    /// <summary>The certificate profile of its nodes. <c>node</c> by default.</summary>
    [Required(ErrorMessage = "must name a certificate profile")]
    public string CertificateProfile { get; set; } = "node";

    /// <summary>
    /// Lines of <c>server.conf</c> besides those that enrolment writes itself (identity, collectives, brokers, security); values without
    /// line breaks. All together at most 2048 characters as JSON, a limit of Choria's.
    /// </summary>
    public Dictionary<string, string> Configuration { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Action policy files given to each node: a name ending in <c>.policy</c>, and the text.</summary>
    public Dictionary<string, string> ActionPolicies { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Open Policy Agent files given to each node: a name ending in <c>.rego</c>, and the text.</summary>
    public Dictionary<string, string> OpaPolicies { get; set; } = new(StringComparer.Ordinal);
}
