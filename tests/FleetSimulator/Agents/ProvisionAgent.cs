namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The agent <c>choria_provision</c>: which actions there are and what guards them.</summary>
internal static class ProvisionAgent
{
    public const string Name = "choria_provision";

    public static Reaction Answer(AgentCall call, NodeView node)
    {
        // A restart or shutdown sleeps with the agent's mutex in hand: whatever comes after it waits until the process is gone.
        if (node.Process.IsLeaving)
        {
            return new Reaction((AgentReply?)null);
        }

        return call.Action switch
        {
            "jwt" => Locked(call, node, ProvisioningKeys.Jwt),
            "gen25519" => Locked(call, node, ProvisioningKeys.Gen25519),
            "gencsr" => Locked(call, node, ProvisioningKeys.Gencsr),
            "configure" => Locked(call, node, Configuring.Configure),
            "release_update" => Locked(call, node, Departing.Update),
            "restart" => Departing.Restart(call, node),
            "shutdown" => Departing.Shutdown(call, node),
            "reprovision" => Departing.Reprovision(call, node),
            _ => new Reaction(AgentReply.Unknown(call.Action, Name)),
        };
    }

    /// <summary>The refusal of a wrong <c>token</c> input, or null when it is the node's.</summary>
    public static AgentReply? WrongSecret(string secret, NodeView node) =>
        secret == node.Profile.Token.Secret ? null : AgentReply.Abort("Incorrect provision token supplied");

    private static Reaction Locked(AgentCall call, NodeView node, Func<AgentCall, NodeView, Reaction> act)
    {
        if (!node.Process.IsProvisioning)
        {
            return new Reaction(AgentReply.Abort(call.Action == "release_update"
                ? "Cannot update a server that is not in provisioning mode"
                : "Cannot reconfigure a server that is not in provisioning mode"));
        }

        // Before the token check, as observed: a caller with a wrong token locks the node too.
        if (node.Process.Lock.TakeOrNull(call.Holder, node.Now) is not { } taken)
        {
            return new Reaction(AgentReply.Abort("Could not obtain provisioning lock"));
        }

        var locked = node with { Process = node.Process with { Lock = taken } };
        var reaction = act(call, locked);
        return reaction.Process is null ? reaction with { Process = locked.Process } : reaction;
    }
}
