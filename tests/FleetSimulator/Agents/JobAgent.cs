using System.Text.Json;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The agent <c>simulated</c> of enrolled nodes, for jobs: <c>run</c> takes as long, and fails, as it is told.</summary>
internal static class JobAgent
{
    public const string Name = "simulated";
    public const string Run = "run";

    /// <summary>The longest that an action may take.</summary>
    private const double SecondsMax = 3600;

    /// <param name="call">The call.</param>
    /// <param name="node">The node.</param>
    /// <param name="slowDelay">How much later late nodes answer.</param>
    public static Reaction Answer(AgentCall call, NodeView node, TimeSpan slowDelay)
    {
        if (call.Action != Run)
        {
            return new Reaction(AgentReply.Unknown(call.Action, Name));
        }

        var fault = node.Profile.Fault;
        if (Duration(call.Data) is not { } duration || Fails(call.Data) is not { } isToldToFail)
        {
            return new Reaction(AgentReply.Invalid($"seconds must be a number from 0 to {SecondsMax} and fail true or false"));
        }

        var reply = isToldToFail || fault == SimulatedFault.JobFails
            ? AgentReply.Abort("it failed, as it was told to")
            : AgentReply.Ok(new RunReply(node.Profile.Identity, duration.TotalSeconds), AgentJson.Default.RunReply);
        return new Reaction(fault == SimulatedFault.JobSilent ? null : reply)
        {
            Delay = fault == SimulatedFault.JobLate ? duration + slowDelay : duration,
            Times = fault == SimulatedFault.JobThrice ? 3 : 1,
            IsExecution = true,
        };
    }

    private static TimeSpan? Duration(JsonElement data)
    {
        if (data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("seconds", out var seconds))
        {
            return TimeSpan.Zero;
        }

        return seconds.ValueKind == JsonValueKind.Number && seconds.GetDouble() is >= 0 and <= SecondsMax and var given
            ? TimeSpan.FromSeconds(given)
            : null;
    }

    private static bool? Fails(JsonElement data)
    {
        if (data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("fail", out var fail))
        {
            return false;
        }

        return fail.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };
    }
}

internal sealed record RunReply(string Node, double Seconds);
