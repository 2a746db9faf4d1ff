namespace ControlPlane.Nodes;

/// <summary>How far a node is on its way into the fleet. The order of the first ten is the order of the steps.</summary>
public enum NodeStage
{
    /// <summary>Never heard of.</summary>
    Unknown = 0,

    /// <summary>Heard of in provisioning mode; waits for admission.</summary>
    Discovered = 1,

    /// <summary>Admitted: its enrolment runs.</summary>
    Admitted = 2,

    /// <summary>Its provisioning token was verified.</summary>
    Attested = 3,

    /// <summary>Its inventory was read.</summary>
    Inspected = 4,

    /// <summary>Its overlay is decided and a place in it reserved.</summary>
    Placed = 5,

    /// <summary>It made its keys; the signing request and the public key are stored.</summary>
    Keyed = 6,

    /// <summary>Its certificate or server token was issued and checked.</summary>
    Certified = 7,

    /// <summary>It wrote its configuration.</summary>
    Configured = 8,

    /// <summary>It acknowledged the restart; its startup event on the overlay's network is awaited.</summary>
    Restarted = 9,

    /// <summary>It arrived on its overlay's network.</summary>
    Enrolled = 10,

    /// <summary>It waits, with a reason and a time of the next try.</summary>
    Deferred = 20,

    /// <summary>It does not answer; looked for again at long intervals and when it is heard of.</summary>
    Silent = 21,

    /// <summary>It was refused for a reason that time does not heal; an operator must act.</summary>
    Quarantined = 22,

    /// <summary>An operator decommissioned it.</summary>
    Gone = 23,

    /// <summary>The silos of another overlay own it; this site only hears it, or owned it before.</summary>
    Elsewhere = 24,
}
