// Over 400 lines: the state stands with all that leads from one to the next, so that what each of them leaves and keeps is seen together.
using System.Collections.Immutable;
using ControlPlane.Certificates;
using ControlPlane.Enrolment;

namespace ControlPlane.Nodes;

/// <summary>The hard state of one node: what must survive a silo. Soft facts (last seen, version) are rebuilt from events.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeState")]
internal sealed record NodeState
{
    public const int HistoryMax = 64;

    /// <summary>A node that is asked to enrol anew restarts within seconds; one that does so much later has another reason.</summary>
    private static readonly TimeSpan AskedLifetime = TimeSpan.FromHours(1);

    /// <summary>The furthest step of the enrolment that runs, or of the last one.</summary>
    [Id(0)]
    public NodeStage Stage { get; init; }

    [Id(1)]
    public NodeProtocol Protocol { get; init; }

    /// <summary>The number of the last enrolment in which the node was asked for keys; names its order.</summary>
    [Id(2)]
    public int Attempt { get; init; }

    [Id(3)]
    public DateTimeOffset? FirstSeenAt { get; init; }

    /// <summary>When this enrolment's node was first heard of: its age in every queue.</summary>
    [Id(4)]
    public DateTimeOffset? WaitingSince { get; init; }

    [Id(5)]
    public string? Overlay { get; init; }

    [Id(6)]
    public string? PlacementReason { get; init; }

    /// <summary>The keys, and what was issued for them, of the enrolment that runs; null before it asked for keys.</summary>
    [Id(7)]
    public PendingCredentials? Pending { get; init; }

    /// <summary>What the node holds in its overlay; null until it arrived for the first time.</summary>
    [Id(8)]
    public HeldCredentials? Held { get; init; }

    /// <summary>Orders whose certificates must no longer be valid; each stays until the issuance grain has taken it over.</summary>
    [Id(9)]
    public ImmutableList<OrderReference> Superseded { get; init; } = [];

    /// <summary>Why it does not go on now; null while it does.</summary>
    [Id(10)]
    public Hold? Hold { get; init; }

    /// <summary>How often the node itself failed in this enrolment: what it may be quarantined for.</summary>
    [Id(11)]
    public int Failures { get; init; }

    /// <summary>How many calls of this enrolment it did not answer.</summary>
    [Id(61)]
    public int Silences { get; init; }

    /// <summary>How often this enrolment came to a halt by a fault of ours.</summary>
    [Id(62)]
    public int Faults { get; init; }

    /// <summary>When the last enrolments asked for keys, newest last; bounded by the limit per hour.</summary>
    [Id(12)]
    public ImmutableList<DateTimeOffset> Begun { get; init; } = [];

    [Id(13)]
    public ImmutableList<NodeStep> History { get; init; } = [];

    /// <summary>When the running enrolment first reached the node: older news of it is stale.</summary>
    [Id(14)]
    public DateTimeOffset? ReachedAt { get; init; }

    /// <summary>When the restarted node is expected to have arrived.</summary>
    [Id(15)]
    public DateTimeOffset? ArrivalDue { get; init; }

    /// <summary>Since it arrived: when it was asked to renew what it holds; null when it was not.</summary>
    [Id(30)]
    public RenewalAsked? RenewalAsked { get; init; }

    /// <summary>When it may enrol into an overlay whose rate is limited; null before it asked, and once it was used.</summary>
    [Id(40)]
    public EnrolmentSlot? Turn { get; init; }

    /// <summary>When an operator or a plan asked the node to enrol anew; null when it has arrived since.</summary>
    [Id(41)]
    public DateTimeOffset? AskedToEnrolAt { get; init; }

    /// <summary>How it lives on its overlay.</summary>
    [Id(50)]
    public NodeLife Life { get; init; } = new();

    /// <summary>Since it was decommissioned: when the region is told (again) that its place is free; null when it was told.</summary>
    [Id(60)]
    public DateTimeOffset? PlaceFreedDue { get; init; }

    /// <summary>Server tokens that it held before and that are valid still, newest first.</summary>
    [Id(63)]
    public ImmutableList<FormerToken> FormerTokens { get; init; } = [];

    /// <summary>What it was told to update itself to, and how often, since it last arrived; null when it was not.</summary>
    [Id(64)]
    public UpgradeAsked? UpgradeAsked { get; init; }

    /// <summary>The site on whose provisioning network it is, which calls it for us; null when that is our own.</summary>
    [Id(65)]
    public string? Reception { get; init; }

    /// <summary>The job that last had it enrol anew; null when none did.</summary>
    [Id(66)]
    public JobReprovision? ForJob { get; init; }

    /// <summary>It is none of ours any more: whatever was ordered for it is superseded.</summary>
    private NodeState Left => Uncounted with
    {
        Superseded = [.. Superseded, .. new[] { Pending?.Order, Held?.Order }.OfType<OrderReference>()],
        Pending = null,
        Held = null,
        WaitingSince = null,
        ArrivalDue = null,
        RenewalAsked = null,
        Turn = null,
        AskedToEnrolAt = null,
        Life = Life.Renewed(Held) with { Liveness = NodeLiveness.Unknown, LivenessSince = null },
    };

    private NodeState Uncounted => this with { Failures = 0, Silences = 0, Faults = 0 };

    /// <summary>Whether the node's fall back to provisioning at an instant is the one that it was asked for.</summary>
    public bool WasAskedToEnrol(DateTimeOffset fellAt) => AskedToEnrolAt is { } asked && fellAt - asked < AskedLifetime;

    /// <summary>What a key is to the node now.</summary>
    public KeyStatus StandingOf(string key)
    {
        string?[] present =
        [
            Held?.Ed25519PublicKey, Held?.Certificate?.PublicKeyFingerprint,
            Pending?.Ed25519PublicKey, Pending?.Certificate?.PublicKeyFingerprint,
        ];
        return present.Contains(key, StringComparer.OrdinalIgnoreCase) ? KeyStatus.Present
            : Stage == NodeStage.Gone || present.Any(one => one is not null) ? KeyStatus.Superseded
            : KeyStatus.Unknown;
    }

    public NodeState Reached(NodeStage stage, DateTimeOffset at, string? detail = null) =>
        this with { Stage = stage, Hold = null, History = Append(new NodeStep(stage, at, Attempt, detail)) };

    /// <summary>A new enrolment: what the last one ordered is superseded, what the node holds stays until it arrives anew.</summary>
    public NodeState StartedOver(DateTimeOffset waitingSince, DateTimeOffset at, string? detail, string? reception = null)
    {
        var superseded = Pending?.Order is { } order ? Superseded.Add(order) : Superseded;
        return (Uncounted with
        {
            Stage = NodeStage.Discovered,
            WaitingSince = waitingSince,
            Reception = reception,
            FirstSeenAt = FirstSeenAt ?? at,
            Pending = null,
            Superseded = superseded,
            Hold = null,
            ArrivalDue = null,
            Life = Life with { Liveness = NodeLiveness.Unknown, LivenessSince = null },
        }).Noted(at, detail);
    }

    /// <summary>What it made its keys for came to nothing by a fault of ours: it makes others later, which counts as no attempt.</summary>
    public NodeState Spent(Hold hold, DateTimeOffset at) => (StartedOver(WaitingSince ?? at, at, detail: null, Reception) with
    {
        Faults = Faults,
        Begun = Begun.Count > 0 ? Begun.RemoveAt(Begun.Count - 1) : Begun,
    }).OnHold(hold, at);

    /// <summary>Stops for now. An enrolment that has no keys yet begins with the first step when it goes on.</summary>
    public NodeState OnHold(Hold hold, DateTimeOffset at) => this with
    {
        Stage = Stage < NodeStage.Keyed ? NodeStage.Discovered : Stage,
        Hold = hold,
        Failures = Failures + (hold.Blame == Blame.Node ? 1 : 0),
        Silences = Silences + (hold.Blame == Blame.Silence ? 1 : 0),
        Faults = Faults + (hold.Blame == Blame.Plane ? 1 : 0),
        History = Append(new NodeStep(hold.Kind, at, Attempt, hold.Reason)),
    };

    /// <summary>An operator lets it go on: the counts that led to the hold begin anew.</summary>
    public NodeState Released(DateTimeOffset at, string detail) =>
        (this with { Begun = [], AskedToEnrolAt = at, UpgradeAsked = null }).StartedOver(at, at, detail);

    /// <summary>
    /// Another site's overlay owns it from now on. What it holds of ours stays until it has arrived there.
    /// </summary>
    public NodeState HandedOver(string overlay, DateTimeOffset at) => (StartedOver(WaitingSince ?? at, at, detail: null) with
    {
        Overlay = overlay, PlacementReason = null,
    }).Reached(NodeStage.Elsewhere, at, $"it belongs to {overlay}, which enrols it");

    /// <summary>It has arrived in another site's overlay: what was ordered for it here is superseded.</summary>
    public NodeState MovedAway(string overlay, DateTimeOffset at) =>
        (Left with { Overlay = overlay, PlacementReason = null, Reception = null, ForJob = ForJob?.Arrived })
            .Reached(NodeStage.Elsewhere, at, $"it has moved to {overlay}");

    /// <summary>
    /// An operator takes it out of the fleet: whatever was ordered for it is superseded, and its place is owed to the region.
    /// </summary>
    public NodeState Decommissioned(DateTimeOffset at, string detail) =>
        (Left with { PlaceFreedDue = at }).Reached(NodeStage.Gone, at, string.Join("; ", Remaining(at).Prepend(detail)));

    /// <summary>What of the node works on and can be taken back by nobody, in words.</summary>
    public IReadOnlyList<string> Remaining(DateTimeOffset at) =>
    [
        .. new[] { TokenOutlives(at) }.OfType<DateTimeOffset>().Select(end => $"its server token is valid until {end:u}"),
        .. FormerTokens.Where(token => token.ExpiresAt > at)
            .Select(token => $"its superseded server token of the key {token.Key} is valid until {token.ExpiresAt:u}"),
    ];

    // Brokers cannot be told to refuse a token: whoever takes a node out has to know for how long it can still speak.
    private DateTimeOffset? TokenOutlives(DateTimeOffset at)
    {
        DateTimeOffset?[] ends = [Pending?.ServerTokenExpiresAt, Held?.ServerTokenExpiresAt];
        return ends.Max() is { } last && last > at ? last : null;
    }

    public NodeState Arrived(PendingCredentials pending, DateTimeOffset arrivedAt, DateTimeOffset at)
    {
        var enrolled = Uncounted with
        {
            Held = new HeldCredentials(
                pending.Order, pending.Certificate, pending.Ed25519PublicKey, pending.ServerTokenExpiresAt, arrivedAt, Overlay)
            {
                Sent = pending.Sent,
            },
            Superseded = Held?.Order is { } previous ? Superseded.Add(previous) : Superseded,
            Life = Life.Renewed(Held) with { Liveness = NodeLiveness.Alive, LivenessSince = arrivedAt },
            FormerTokens = [.. FormerToken.Of(Held).Concat(FormerTokens).Where(token => token.ExpiresAt > at).Take(FormerToken.Max)],
            Pending = null,
            ArrivalDue = null,
            RenewalAsked = null,
            UpgradeAsked = null,
            AskedToEnrolAt = null,
            ForJob = ForJob?.Arrived,
            ReachedAt = arrivedAt > at ? arrivedAt : at,
        };
        return enrolled.Reached(NodeStage.Enrolled, at);
    }

    /// <summary>An enrolment of a node that had not left ends as if it had not begun.</summary>
    public NodeState Stayed(DateTimeOffset heardAt, DateTimeOffset at) =>
        LivingOn(heardAt).Reached(NodeStage.Enrolled, at, $"it is heard in {Held?.Overlay ?? Overlay} as before");

    /// <summary>
    /// Somebody else asks to enrol in the name of a node that lives on its overlay: the node keeps what it holds, and what was made for
    /// the other is superseded.
    /// </summary>
    public NodeState Contested(DateTimeOffset at, string detail) => (LivingOn(at) with
    {
        Superseded = Pending?.Order is { } order ? Superseded.Add(order) : Superseded,
        Pending = null,
        ArrivalDue = null,
    }).Reached(NodeStage.Enrolled, at, detail);

    /// <summary>
    /// Two machines answer for it, and one of them has what was made: it is superseded, also what an arrival made it hold. What the node
    /// held before this enrolment stays, as it does while any enrolment runs.
    /// </summary>
    public NodeState Withdrawn(string detail, DateTimeOffset at)
    {
        var arrived = Stage == NodeStage.Enrolled ? Held : null;
        var reason = TokenOutlives(at) is { } end ? $"{detail}; a server token that was given out is valid until {end:u}" : detail;
        return (this with
        {
            Stage = NodeStage.Discovered,
            Superseded = [.. Superseded, .. new[] { Pending?.Order, arrived?.Order }.OfType<OrderReference>()],
            Pending = null,
            Held = arrived is null ? Held : null,
            ArrivalDue = null,
            Turn = null,
            Life = arrived is null ? Life : Life.Renewed(arrived),
        }).OnHold(Setback.Quarantine(Refusal.Contested, reason), at);
    }

    // What was begun for nothing leaves no line: whoever forges its news a hundred times would leave no other.
    private NodeState LivingOn(DateTimeOffset heardAt) => Uncounted with
    {
        Overlay = Held?.Overlay ?? Overlay,
        Turn = null,
        ReachedAt = heardAt,
        Life = Life with { Liveness = NodeLiveness.Alive, LivenessSince = heardAt },
        History = History is [.., { Stage: NodeStage.Discovered, Detail: null }] ? History.RemoveAt(History.Count - 1) : History,
    };

    /// <summary>Adds a line to the history without changing how the node stands.</summary>
    public NodeState Noted(DateTimeOffset at, string? detail) =>
        this with { History = Append(new NodeStep(Stage, at, Attempt, detail)) };

    private ImmutableList<NodeStep> Append(NodeStep step)
    {
        // A node that is silent for a week says so once, not once per try.
        var last = History.Count > 0 ? History[^1] : null;
        if (last is not null && last.Stage == step.Stage && last.Detail == step.Detail && last.Attempt == step.Attempt)
        {
            return History.SetItem(History.Count - 1, step);
        }

        var history = History.Add(step);
        return history.Count > HistoryMax ? history.RemoveAt(0) : history;
    }
}

/// <summary>Which issuance grain answers for an order.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.OrderReference")]
internal sealed record OrderReference([property: Id(0)] string Issuer, [property: Id(1)] string OrderId);

/// <summary>Keys that the node made, and what was issued for them.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.PendingCredentials")]
internal sealed record PendingCredentials
{
    [Id(0)]
    public required DateTimeOffset KeyedAt { get; init; }

    /// <summary>The certificate order; null for a node that gets a server token only.</summary>
    [Id(1)]
    public OrderReference? Order { get; init; }

    /// <summary>What it was ordered by; null once it was issued: the ledger has the certificate.</summary>
    [Id(2)]
    public string? SigningRequestPem { get; init; }

    [Id(3)]
    public string? SslDirectory { get; init; }

    /// <summary>The proven Ed25519 key; null for a node that gets a certificate only.</summary>
    [Id(4)]
    public string? Ed25519PublicKey { get; init; }

    [Id(5)]
    public string? Directory { get; init; }

    [Id(6)]
    public string? OrganizationUnit { get; init; }

    [Id(7)]
    public CertificateReference? Certificate { get; init; }

    [Id(8)]
    public DateTimeOffset? ServerTokenExpiresAt { get; init; }

    /// <summary>What it is to be given; null until that is decided.</summary>
    [Id(9)]
    public NodeDraft? Draft { get; init; }

    /// <summary>The proof that it holds its Ed25519 key, as the helper is shown it.</summary>
    [Id(11)]
    public string? Ed25519Signature { get; init; }

    /// <summary>What it was sent; null until it was configured.</summary>
    [Id(10)]
    public SentConfiguration? Sent { get; init; }
}

/// <summary>A server token that was superseded: no broker can be told to refuse it.</summary>
/// <param name="Key">The Ed25519 key that it is of.</param>
/// <param name="ExpiresAt">When it ends by itself.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.FormerToken")]
internal sealed record FormerToken([property: Id(0)] string Key, [property: Id(1)] DateTimeOffset ExpiresAt)
{
    /// <summary>As many as one node has in the lifetime of a token, unless it is enrolled anew again and again.</summary>
    public const int Max = 4;

    public static IEnumerable<FormerToken> Of(HeldCredentials? held) =>
        held is { Ed25519PublicKey: { } key, ServerTokenExpiresAt: { } end } ? [new FormerToken(key, end)] : [];
}

/// <summary>What an enrolled node proves itself with, and the overlay that it arrived in with it.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.HeldCredentials")]
internal sealed record HeldCredentials(
    [property: Id(0)] OrderReference? Order,
    [property: Id(1)] CertificateReference? Certificate,
    [property: Id(2)] string? Ed25519PublicKey,
    [property: Id(3)] DateTimeOffset? ServerTokenExpiresAt,
    [property: Id(4)] DateTimeOffset ArrivedAt,
    [property: Id(5)] string? Overlay = null)
{
    /// <summary>What it was configured with; null when that was before it was kept.</summary>
    [Id(6)]
    public SentConfiguration? Sent { get; init; }
}

/// <param name="Kind"><see cref="NodeStage.Deferred"/>, <see cref="NodeStage.Silent"/> or <see cref="NodeStage.Quarantined"/>.</param>
/// <param name="Reason">Why, in an operator's words.</param>
/// <param name="Until">When it is tried again; null: not by itself.</param>
/// <param name="Refusal">The rule it broke, when it was refused.</param>
/// <param name="WaitsFor">What lets it go on before <paramref name="Until"/>; null when nothing does.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.Hold")]
internal sealed record Hold(
    [property: Id(0)] NodeStage Kind,
    [property: Id(1)] string Reason,
    [property: Id(2)] DateTimeOffset? Until,
    [property: Id(3)] Refusal? Refusal,
    [property: Id(4)] ControlMark? WaitsFor = null)
{
    /// <summary>Who failed; nobody where it only waits.</summary>
    [Id(5)]
    public Blame Blame { get; init; }
}

/// <summary>Who is to blame that an enrolment does not go on. Only what the node did leads to its quarantine.</summary>
internal enum Blame
{
    /// <summary>It waits: for its turn, for a place, for a CA.</summary>
    Nobody = 0,

    /// <summary>The node: it refused, or showed what is refused.</summary>
    Node = 1,

    /// <summary>It was silent: dead, busy, or cut off. Nobody can tell.</summary>
    Silence = 2,

    /// <summary>We: a CA, a broker, a store, a clock or a bug of ours.</summary>
    Plane = 3,
}
