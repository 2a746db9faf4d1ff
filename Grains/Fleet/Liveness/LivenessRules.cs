using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Decides how alive a node is. Pure: the same arguments give the same answer.</summary>
internal static class LivenessRules
{
    /// <summary>A node that said goodbye and restarts is back within this; it takes 2 to 11 seconds, and its network some more.</summary>
    public static readonly TimeSpan RestartTime = TimeSpan.FromMinutes(2);

    /// <param name="state">What was announced of it last.</param>
    /// <param name="silence">How long it was not heard while we listened.</param>
    /// <param name="sinceReturn">How long ago it returned; counts for <see cref="NodeLiveness.Returned"/> only.</param>
    /// <param name="options">The limits.</param>
    public static NodeLiveness Judge(NodeLiveness state, TimeSpan silence, TimeSpan sinceReturn, LivenessOptions options)
    {
        if (silence >= options.LostAfter)
        {
            return NodeLiveness.Lost;
        }

        if (silence >= options.LateAfter)
        {
            // News as old as that does not bring a lost node back.
            return state == NodeLiveness.Lost ? NodeLiveness.Lost : NodeLiveness.Late;
        }

        return state switch
        {
            NodeLiveness.Late or NodeLiveness.Lost => NodeLiveness.Returned,
            NodeLiveness.Returned when sinceReturn < options.LateAfter => NodeLiveness.Returned,
            _ => NodeLiveness.Alive,
        };
    }

    /// <summary>After how long a silence the answer changes if nothing more is heard.</summary>
    public static TimeSpan NextLook(TimeSpan silence, LivenessOptions options) =>
        silence < options.LateAfter ? options.LateAfter
        : silence < options.LostAfter ? options.LostAfter
        : options.ForgetAfter;

    /// <summary>How silent a node counts as after an event: one that said goodbye is late as soon as a restart would be over.</summary>
    public static TimeSpan SilenceAfter(FleetEventKind kind, TimeSpan age, LivenessOptions options)
    {
        var leaving = kind == FleetEventKind.Shutdown ? options.LateAfter - RestartTime : TimeSpan.Zero;
        return age > leaving ? age : leaving;
    }
}
