namespace ControlPlane.FleetSimulator.Faults;

/// <summary>How a simulated node misbehaves; one node has one fault at most.</summary>
public enum SimulatedFault
{
    /// <summary>It behaves as an agent does.</summary>
    None,

    /// <summary>It announces itself and never answers.</summary>
    Dead,

    /// <summary>Each reply is late by <see cref="SimulatedFleetOptions.SlowDelay"/>.</summary>
    Slow,

    /// <summary>A share of its replies (<see cref="SimulatedFleetOptions.LossRate"/>) is lost after the action was done.</summary>
    Lossy,

    /// <summary>Each reply is sent twice.</summary>
    Duplicate,

    /// <summary>Once, in the midst of being provisioned, the process dies and starts again; what is on disk stays.</summary>
    RestartsMidway,

    /// <summary>Its token carries another shared secret than the fleet's; signed by the right key.</summary>
    WrongSecret,

    /// <summary>Its token's signature does not verify.</summary>
    ForgedToken,

    /// <summary>Its token is signed by a key that nobody knows.</summary>
    ForeignToken,

    /// <summary>Its token expired an hour ago.</summary>
    ExpiredToken,

    /// <summary>Its token claims a trust chain, which provisioning tokens must not have. V1 nodes hold a foreign token instead.</summary>
    WrongChain,

    /// <summary>Its signing request names another node.</summary>
    OtherCommonName,

    /// <summary>Its signing request asks for the name of another node beside its own.</summary>
    ForeignAlternativeName,

    /// <summary>Its signing request asks for a CA certificate.</summary>
    AuthorityRequest,

    /// <summary>Its key is RSA of 1024 bits.</summary>
    WeakKey,

    /// <summary>Its identity is one that Choria trusts with more than a node may: <c>*.mcollective</c>.</summary>
    PrivilegedName,

    /// <summary>Its signing request is not signed by the key it carries.</summary>
    UnprovenKey,

    /// <summary>Its startup in provisioning mode is never stored, as when the broker dies that has just taken it.</summary>
    UnheardStart,

    /// <summary>Its startup on the overlay is never stored.</summary>
    UnheardArrival,

    /// <summary>With what it was configured with it comes back on no network.</summary>
    Stranded,

    /// <summary>The action <c>simulated#run</c> fails on it, with status code 1.</summary>
    JobFails,

    /// <summary>It does what <c>simulated#run</c> asks and does not answer.</summary>
    JobSilent,

    /// <summary>It answers <c>simulated#run</c> thrice.</summary>
    JobThrice,

    /// <summary>It answers <c>simulated#run</c> late, by <see cref="SimulatedFleetOptions.SlowDelay"/>.</summary>
    JobLate,
}
