using System.Text.Json;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>One action asked of one agent of a node.</summary>
/// <param name="Agent">The agent that the envelope names; the body's own name does not count.</param>
/// <param name="Action">Empty when the body could not be parsed.</param>
/// <param name="Data">The inputs; only good while the node answers.</param>
/// <param name="RequestId">The id of the request, which ends up in the first line of a written configuration.</param>
/// <param name="Sender">The host that asks.</param>
/// <param name="Caller">Who asks.</param>
internal sealed record AgentCall(string Agent, string Action, JsonElement Data, string RequestId, string Sender, string Caller)
{
    /// <summary>Whom the provisioning lock belongs to.</summary>
    public string Holder => $"{Sender}.{Caller}";
}
