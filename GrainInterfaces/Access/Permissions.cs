namespace ControlPlane.Access;

/// <summary>What a caller may be allowed to do: a closed list, by the names that policies use.</summary>
/// <remarks>Every public grain method and every route names one (<see cref="RequiresAttribute"/>); a test fails on others.</remarks>
public static class Permissions
{
    /// <summary>See nodes, their facts and changes.</summary>
    public const string NodesRead = "nodes.read";

    /// <summary>Make a node enrol anew.</summary>
    public const string NodesReprovision = "nodes.reprovision";

    /// <summary>Take a node out of the fleet.</summary>
    public const string NodesDecommission = "nodes.decommission";

    /// <summary>See whether nodes may enrol into an overlay.</summary>
    public const string EnrolmentRead = "enrolment.read";

    /// <summary>Pause, resume and limit enrolment, and release its brake.</summary>
    public const string EnrolmentControl = "enrolment.control";

    /// <summary>See overlays, policies, plans, the leader, and why a node is where it is.</summary>
    public const string PlacementRead = "placement.read";

    /// <summary>Apply a placement policy.</summary>
    public const string PlacementPolicyApply = "placement.policy.apply";

    /// <summary>Make a plan. Moves nothing.</summary>
    public const string PlacementPlansCreate = "placement.plans.create";

    /// <summary>Approve a plan or resume it: nodes move.</summary>
    public const string PlacementPlansApprove = "placement.plans.approve";

    /// <summary>Pause or abort a plan.</summary>
    public const string PlacementPlansStop = "placement.plans.stop";

    /// <summary>Put an overlay in another state.</summary>
    public const string PlacementOverlaysSetState = "placement.overlays.set-state";

    /// <summary>Make another overlay the leader of its region.</summary>
    public const string PlacementLeaderPromote = "placement.leader.promote";

    /// <summary>See certificates and the ledgers' history.</summary>
    public const string CertificatesRead = "certificates.read";

    /// <summary>Revoke a certificate.</summary>
    public const string CertificatesRevoke = "certificates.revoke";

    /// <summary>See messages that nobody could work on.</summary>
    public const string DeadLettersRead = "dead-letters.read";

    /// <summary>Have a dead letter worked on again, or drop it.</summary>
    public const string DeadLettersResolve = "dead-letters.resolve";

    /// <summary>Sign in, sign out, and see who one is and what one may: everybody who is authenticated may.</summary>
    public const string AccessSelf = "access.self";

    /// <summary>See the access policy, and what it lets others do.</summary>
    public const string AccessRead = "access.read";

    /// <summary>See the record of calls.</summary>
    public const string AccessAuditRead = "access.audit.read";

    /// <summary>See Choria user tokens that were given out.</summary>
    public const string AccessTokensRead = "access.tokens.read";

    /// <summary>Revoke a Choria user token.</summary>
    public const string AccessTokensRevoke = "access.tokens.revoke";

    /// <summary>See who is signed in at the console.</summary>
    public const string AccessSessionsRead = "access.sessions.read";

    /// <summary>End somebody's session at the console.</summary>
    public const string AccessSessionsEnd = "access.sessions.end";

    /// <summary>Have a Choria request signed: the agent, the action and the filter are judged with it.</summary>
    public const string RequestsSign = "requests.sign";

    /// <summary>See jobs, their targets and results.</summary>
    public const string JobsRead = "jobs.read";

    /// <summary>Submit a job: the agent, the action, the overlays and the number of targets are judged with it.</summary>
    public const string JobsRun = "jobs.run";

    /// <summary>Approve a job that somebody else submitted.</summary>
    public const string JobsApprove = "jobs.approve";

    /// <summary>Pause, resume, advance, retry and abort jobs.</summary>
    public const string JobsControl = "jobs.control";

    /// <summary>See links of replication, and compare their two sides.</summary>
    public const string ReplicationRead = "replication.read";

    /// <summary>Pause and resume links of replication.</summary>
    public const string ReplicationWrite = "replication.write";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        NodesRead, NodesReprovision, NodesDecommission,
        EnrolmentRead, EnrolmentControl,
        PlacementRead, PlacementPolicyApply, PlacementPlansCreate, PlacementPlansApprove, PlacementPlansStop,
        PlacementOverlaysSetState, PlacementLeaderPromote,
        CertificatesRead, CertificatesRevoke,
        DeadLettersRead, DeadLettersResolve,
        AccessSelf, AccessRead, AccessAuditRead, AccessTokensRead, AccessTokensRevoke,
        AccessSessionsRead, AccessSessionsEnd,
        RequestsSign,
        JobsRead, JobsRun, JobsApprove, JobsControl,
        ReplicationRead, ReplicationWrite,
    ];

    /// <summary>Whether calls for it can say why, so that a policy can demand that they do.</summary>
    public static bool TakesReason(string permission) => permission is NodesReprovision or NodesDecommission or EnrolmentControl
        or PlacementPolicyApply or PlacementPlansCreate or PlacementPlansApprove or PlacementPlansStop or PlacementOverlaysSetState
        or PlacementLeaderPromote or CertificatesRevoke or DeadLettersResolve or AccessTokensRevoke or AccessSessionsEnd
        or JobsRun or JobsApprove or JobsControl or ReplicationWrite;

    /// <summary>Whether it only lets one see: such a call is recorded when it is denied, not when it is allowed.</summary>
    public static bool IsReading(string permission) =>
        permission is AccessSelf || permission.EndsWith(".read", StringComparison.Ordinal);
}
