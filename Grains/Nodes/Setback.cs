using System.Diagnostics;
using ControlPlane.Flow;

namespace ControlPlane.Nodes;

/// <summary>Decides what follows when a step fails: try again later, report silence, or quarantine. Pure.</summary>
/// <remarks><c>jitter</c> is a random number from 0 to 1, drawn by the caller.</remarks>
internal static class Setback
{
    /// <summary>A node's provisioning lock lapses this long after its holder's last call (Choria's constant).</summary>
    private static readonly TimeSpan NodeLock = TimeSpan.FromMinutes(2);

    /// <summary>The longest wait for what fails for all: a herd thins out, and nobody waits long when it is mended.</summary>
    private static readonly TimeSpan FaultDelayMax = TimeSpan.FromMinutes(1);

    public static Hold OfSilence(NodeState state, string detail, ProvisioningOptions options, DateTimeOffset now, double jitter) =>
        new(
            state.Silences + 1 >= options.SilentAfter ? NodeStage.Silent : NodeStage.Deferred,
            detail,
            now + Delay(state.Silences, options, jitter),
            Refusal: null)
        {
            Blame = Blame.Silence,
        };

    public static Hold OfRefusal(
        NodeState state, NodeFault fault, string detail, ProvisioningOptions options, DateTimeOffset now, double jitter) => fault switch
        {
            NodeFault.SecretMismatch => Quarantine(Refusal.SecretMismatch, $"the node does not accept our shared secret: {detail}"),
            NodeFault.Locked => new Hold(
                NodeStage.Deferred, "someone else is provisioning it: its lock is held", now + Jittered(NodeLock, jitter), Refusal: null),
            _ when state.Failures + 1 >= options.FailuresMax => Quarantine(
                Refusal.ConfigurationRefused, $"it refused {options.FailuresMax} times, last with: {detail}"),
            NodeFault.NotProvisioning or NodeFault.AlreadyProvisioning or NodeFault.Other or NodeFault.Unreadable => new Hold(
                NodeStage.Deferred, $"the node refused: {detail}", now + Delay(state.Failures, options, jitter), Refusal: null)
            {
                Blame = Blame.Node,
            },
            _ => throw new UnreachableException(),
        };

    /// <summary>For what we did wrong: however often, it is tried again, and soon enough after it was mended.</summary>
    public static Hold OfPlane(
        NodeState state, string detail, ProvisioningOptions options, DateTimeOffset now, double jitter, DateTimeOffset notBefore = default)
    {
        var delay = Delay(state.Faults, options, jitter);
        var until = now + (delay < FaultDelayMax ? delay : Jittered(FaultDelayMax, jitter));
        return new Hold(NodeStage.Deferred, detail, until > notBefore ? until : notBefore, Refusal: null) { Blame = Blame.Plane };
    }

    /// <summary>Waits until a time that somebody gave, which counts as nobody's failure.</summary>
    public static Hold Deferred(string reason, DateTimeOffset until) => new(NodeStage.Deferred, reason, until, Refusal: null);

    public static Hold Quarantine(Refusal refusal, string detail) => new(NodeStage.Quarantined, detail, Until: null, refusal)
    {
        Blame = Blame.Node,
    };

    /// <summary>
    /// The wait before the next try: doubled with each failure, capped, and spread over half of itself so that a herd thins out.
    /// </summary>
    public static TimeSpan Delay(int failures, ProvisioningOptions options, double jitter) =>
        Jittered(Backoff.Doubled(options.RetryDelay, failures, options.RetryDelayMax), jitter);

    private static TimeSpan Jittered(TimeSpan delay, double jitter) => delay + (delay * 0.5 * jitter);
}
