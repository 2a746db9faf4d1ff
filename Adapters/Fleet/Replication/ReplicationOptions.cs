namespace ControlPlane.Adapters.Fleet.Replication;

/// <summary>JetStream streams that are copied to others, in order and once. Section <c>Replication</c>.</summary>
public sealed class ReplicationOptions
{
    public const string Section = "Replication";

    /// <summary>Links of a site: two connections each.</summary>
    public const int LinksMax = 512;

    /// <summary>
    /// The links of this site, by names of your own: 1 to 50 characters of a-z, 0-9 and '-'. By its name a target knows the copies of a
    /// link: renamed, it needs another target.
    /// </summary>
    public Dictionary<string, ReplicationLinkOptions> Links { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How links log in to brokers that are not this site's own, and where that is configured within the section.</summary>
    public IEnumerable<(string Path, BrokerLoginOptions Login)> Logins() =>
        from link in Links
        from side in new Dictionary<string, BrokerLoginOptions?>(StringComparer.Ordinal)
        {
            [nameof(link.Value.Source)] = link.Value.Source,
            [nameof(link.Value.Target)] = link.Value.Target,
        }
        where side.Value is not null
        select ($"{nameof(Links)}:{link.Key}:{side.Key}", side.Value);
}

/// <summary>One link.</summary>
public sealed class ReplicationLinkOptions
{
    /// <summary>The JetStream stream that is copied. Required.</summary>
    public string SourceStream { get; set; } = "";

    /// <summary>
    /// The subjects of it that are copied. All of them when empty, which alone tells of every message that is missing. More than one needs
    /// nats-server 2.10 or later.
    /// </summary>
    public List<string> Subjects { get; set; } = [];

    /// <summary>The brokers that the stream is copied from. This site's own when not given.</summary>
    public BrokerLoginOptions? Source { get; set; }

    /// <summary>The brokers that the stream is copied to. This site's own when not given.</summary>
    public BrokerLoginOptions? Target { get; set; }

    /// <summary>The JetStream stream that is appended to, by this link alone. Named as the source when not given.</summary>
    public string? TargetStream { get; set; }

    /// <summary>
    /// What a copy's subject has before the original's. <c>replica.</c> and the link's name when not given; nothing when empty, for which
    /// no other stream of the target's account may have the same subjects.
    /// </summary>
    public string? SubjectPrefix { get; set; }

    /// <summary>Whether the target is made when it is missing. True by default.</summary>
    public bool CreateTarget { get; set; } = true;

    /// <summary>How long a target that we make keeps copies. 1 hour to 3660 days; 400 days by default.</summary>
    [Between("01:00:00", "3660.00:00:00")]
    public TimeSpan TargetMaxAge { get; set; } = TimeSpan.FromDays(400);

    /// <summary>How many bytes a target that we make keeps, oldest go first. 1 MiB or more; 1 GiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long TargetBytesMax { get; set; } = 1L << 30;

    /// <summary>Copies of a target that we make, on a cluster of brokers. 1 to 5; 1 by default.</summary>
    [Between(1, 5)]
    public int TargetReplicas { get; set; } = 1;

    /// <summary>
    /// Where a new link begins: <c>all</c> with the oldest message there is, <c>new</c> with the next that comes, a sequence
    /// (<c>1000</c>), a time (<c>2026-11-30T08:00:00Z</c>) or an age (<c>3.00:00:00</c>). <c>all</c> by default. Once it has begun, the
    /// target says where it goes on.
    /// </summary>
    public string Start { get; set; } = "all";

    /// <summary>
    /// Messages that may be under way at once: over a way of 100 milliseconds there and back, ten times as many go in a second. 1 to 8192;
    /// 1024 by default.
    /// </summary>
    [Between(1, 8192)]
    public int WindowMax { get; set; } = 1024;

    /// <summary>Their bytes; one message alone may be larger. 64 KiB to 256 MiB; 8 MiB by default.</summary>
    [Between(1L << 16, 1L << 28)]
    public long WindowBytesMax { get; set; } = 8L << 20;

    /// <summary>Messages a second at most. 0 to 1000000; 0 by default, which is no limit.</summary>
    [Between(0, 1_000_000)]
    public int RateMax { get; set; }

    /// <summary>
    /// The part of the source's room or time, until it drops what is not copied, below which health and log warn. 0 to 1; 0.3 by default.
    /// </summary>
    [System.ComponentModel.DataAnnotations.Range(0d, 1d)]
    public double RetentionLeftMin { get; set; } = 0.3;

    /// <summary>
    /// The age of the oldest message that is not copied, above which health warns. 1 second to 30 days; 15 minutes by default.
    /// </summary>
    [Between("00:00:01", "30.00:00:00")]
    public TimeSpan LagMax { get; set; } = TimeSpan.FromMinutes(15);
}
