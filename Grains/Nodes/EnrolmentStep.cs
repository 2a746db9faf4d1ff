using ControlPlane.Flow;

namespace ControlPlane.Nodes;

/// <summary>What an enrolment does next.</summary>
internal abstract record EnrolmentStep
{
    /// <summary>The places that the step is taken in. What leads to a restart on the overlay needs one among those on their way.</summary>
    public Places Needs => this switch
    {
        Attest or LookFor => Places.Probe,
        MakeKeys or Compose or Upgrade or Certify or Configure => Places.Enrolment | Places.Arrival,
        Inspect or Place or ReserveSlot or Restart or Renew => Places.Enrolment,
        _ => Places.None,
    };

    /// <summary>
    /// On whom the step leans; null for those that tell nothing: making keys takes as long as the node's processor does, and who does not
    /// answer the first call is dead rather than our brokers overloaded.
    /// </summary>
    public Dependency? LeansOn => this switch
    {
        Inspect or Configure => Dependency.Brokers,
        Place => Dependency.Store,
        Certify => Dependency.Authority,
        _ => null,
    };

    /// <summary>The step's name in metrics: one of a closed set.</summary>
    public string Name => this switch
    {
        Attest => "attest",
        Inspect => "inspect",
        Place => "place",
        ReserveSlot => "take_turn",
        MakeKeys => "make_keys",
        Compose => "compose",
        Upgrade => "upgrade",
        Certify => "certify",
        Configure => "configure",
        Restart => "restart",
        LookFor => "look_for",
        Arrive => "arrive",
        Stay => "stay",
        Renew => "renew",
        CloseSuperseded => "close_superseded",
        FreePlace => "free_place",
        _ => "decide",
    };

    /// <summary>Nothing before <paramref name="Due"/>; nothing at all when it is null.</summary>
    public sealed record Nothing(DateTimeOffset? Due) : EnrolmentStep;

    /// <summary>Nothing before <paramref name="Until"/>, which is so near that the node keeps its places.</summary>
    public sealed record Wait(DateTimeOffset Until) : EnrolmentStep;

    /// <summary>A new enrolment begins; what the last one left behind is superseded.</summary>
    public sealed record StartOver(DateTimeOffset WaitingSince, string? Detail, string? Reception = null) : EnrolmentStep;

    /// <summary>Superseded orders are closed: before new keys are asked for, and after an arrival.</summary>
    public sealed record CloseSuperseded : EnrolmentStep;

    public sealed record Attest : EnrolmentStep;

    public sealed record Inspect : EnrolmentStep;

    public sealed record Place : EnrolmentStep;

    /// <summary>The overlay's rate is limited: a turn is asked for.</summary>
    public sealed record ReserveSlot : EnrolmentStep;

    /// <summary>An operator or the brake holds the overlay's enrolment back.</summary>
    public sealed record Park(Hold Hold) : EnrolmentStep;

    public sealed record MakeKeys : EnrolmentStep;

    /// <summary>What the node is to be given besides what makes it ours is decided.</summary>
    public sealed record Compose : EnrolmentStep;

    /// <summary>It updates itself before it is configured, and starts anew.</summary>
    public sealed record Upgrade : EnrolmentStep;

    public sealed record Certify : EnrolmentStep;

    public sealed record Configure : EnrolmentStep;

    public sealed record Restart : EnrolmentStep;

    /// <summary>Its arrival is overdue: the event may be lost, and the node be where it belongs.</summary>
    public sealed record LookFor : EnrolmentStep;

    /// <summary>An enrolled node is asked to enrol anew before what it holds ends.</summary>
    public sealed record Renew : EnrolmentStep;

    /// <summary>The region is told that a decommissioned node needs its place no more.</summary>
    public sealed record FreePlace : EnrolmentStep;

    public sealed record Arrive(DateTimeOffset At) : EnrolmentStep;

    /// <summary>It is heard on its overlay, with what it held before: the enrolment that began was for nothing.</summary>
    public sealed record Stay(DateTimeOffset At) : EnrolmentStep;

    /// <summary>Two machines answer for it: what was made for either is superseded.</summary>
    public sealed record Withdraw(ContestedAnswer Contested) : EnrolmentStep;

    /// <summary>A name that has shown nothing for long: it is as if it had never been heard.</summary>
    public sealed record Forget : EnrolmentStep;

    public sealed record Quarantine(Refusal Refusal, string Detail) : EnrolmentStep;
}
