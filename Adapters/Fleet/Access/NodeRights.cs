using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>What a node may say and hear where Choria's broker would let it do so for all nodes.</summary>
internal static class NodeRights
{
    private static readonly string[] ProvisioningAgents = ["discovery", "rpcutil", "choria_util", "choria_provision"];

    /// <summary>
    /// What an agent does in provisioning mode: hears what is asked of all and of itself, answers what we ask of it, says how it is.
    /// In whose name an event is, its subject does not say.
    /// </summary>
    public static SubjectRights Unprovisioned(string identity) => new()
    {
        SubscribeAllow =
        [
            ChoriaSubjects.Node(ChoriaSubjects.ProvisioningCollective, identity),
            .. ProvisioningAgents.Select(agent => ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, agent)),
        ],
        PublishAllow =
        [
            ReplySubjects.AllOf(ChoriaSubjects.ProvisioningCollective, identity),
            ReplySubjects.AllOf(ChoriaSubjects.ProvisioningCollective, ReplySubjects.Everybody),
            ChoriaSubjects.Lifecycle("*", ChoriaSubjects.ProvisioningComponent),
            "provisioning.registration.>",
        ],
    };

    /// <summary>A node of V1, whose certificate says no more than its name: what agents of a node do, in any collective.</summary>
    public static SubjectRights ByCertificate(string identity) => new()
    {
        SubscribeAllow =
        [
            "*.broadcast.agent.>", "*.broadcast.service.>", ChoriaSubjects.Node("*", identity), ChoriaSubjects.AllReplies("*", identity),
        ],
        PublishAllow =
        [
            ChoriaSubjects.AllLifecycle, ChoriaSubjects.MachineTransitions, ChoriaSubjects.AllMachineWatchers, "*.reply.>",
            ChoriaSubjects.Registration("*"), "*.submission.in.>",
        ],
    };
}
