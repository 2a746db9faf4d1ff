namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;

/// <summary>The NATS subjects of Choria's conventions.</summary>
public static class ChoriaSubjects
{
    /// <summary>The collective of unprovisioned nodes.</summary>
    public const string ProvisioningCollective = "provisioning";

    /// <summary>Every lifecycle event of every component.</summary>
    public const string AllLifecycleEvents = "choria.lifecycle.event.>";

    /// <summary>All that components say of their lives, whatever they call it.</summary>
    public const string AllLifecycle = "choria.lifecycle.>";

    /// <summary>Every event of autonomous agents, as Choria's broker captures them.</summary>
    public const string AllMachineEvents = "choria.machine.>";

    /// <summary>Transitions of autonomous agents.</summary>
    public const string MachineTransitions = "choria.machine.transition";

    /// <summary>Watcher states of autonomous agents.</summary>
    public const string AllMachineWatchers = "choria.machine.watcher.>";

    /// <summary>What data adapters of brokers make of registrations.</summary>
    public const string AllNodeMetadata = "choria.node_metadata.>";

    /// <summary>The component that a node in provisioning mode names in its events.</summary>
    public const string ProvisioningComponent = "provision_mode_server";

    /// <summary>The component that a provisioned node names in its events.</summary>
    public const string ServerComponent = "server";

    /// <summary>The reply header of messages that nobody shall answer, such as registration.</summary>
    public const string NoReply = "dev.null";

    private const string RegistrationEnd = ".broadcast.agent.registration";

    /// <summary>Where one node listens: <c>collective.node.identity</c>. The identity stands verbatim, dots and all.</summary>
    public static string Node(string collective, string identity) => $"{collective}.node.{identity}";

    /// <summary>Where every node with the agent listens.</summary>
    public static string Broadcast(string collective, string agent) => $"{collective}.broadcast.agent.{agent}";

    /// <summary>Where the instances of a service agent share the requests of one queue group.</summary>
    public static string ServiceAgent(string collective, string agent) => $"{collective}.broadcast.service.{agent}";

    /// <summary>Where the reply to one request goes: collective, <c>reply</c>, hash of the caller, request id.</summary>
    public static string Reply(string collective, string caller, string requestId) =>
        $"{ReplyPrefix(collective, caller)}.{requestId}";

    /// <summary>All replies to one caller; brokers let a client subscribe to it whole.</summary>
    public static string AllReplies(string collective, string caller) => $"{ReplyPrefix(collective, caller)}.>";

    /// <summary>The prefix of a caller's replies, to which the request id is appended after a dot. Worth keeping: it hashes.</summary>
    public static string ReplyPrefix(string collective, string caller) => $"{collective}.reply.{CallerHash(caller)}";

    /// <summary>Where a lifecycle event of a type and component is published.</summary>
    public static string Lifecycle(string type, string component) => $"choria.lifecycle.event.{type}.{component}";

    /// <summary>Where registration of a collective is published.</summary>
    public static string Registration(string collective) => collective + RegistrationEnd;

    /// <summary>Where programs on nodes of a collective submit messages.</summary>
    public static string AllSubmissions(string collective) => $"{collective}.submission.in.>";

    /// <summary>Whether nodes themselves may publish there: where each registers, in whatever collective.</summary>
    public static bool IsRegistration(string subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return subject.EndsWith(RegistrationEnd, StringComparison.Ordinal);
    }

    /// <summary>Lower-case hexadecimal MD5 of a caller id or identity.</summary>
    public static string CallerHash(string caller)
    {
#pragma warning disable CA5351 // MD5 names a subject here, as the brokers' permissions demand; it protects nothing.
        return Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(caller)));
#pragma warning restore CA5351
    }

    /// <summary>Lower-case hexadecimal SHA-256 of a caller id or identity: what programs use that may not use MD5.</summary>
    public static string CallerHash256(string caller) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller)));
}
