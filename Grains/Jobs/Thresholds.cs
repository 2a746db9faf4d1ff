namespace ControlPlane.Jobs;

/// <summary>At how many failures a job stops. Pure: overlays and the job itself judge alike.</summary>
internal static class Thresholds
{
    /// <summary>Whether it fires.</summary>
    /// <param name="threshold">The rule.</param>
    /// <param name="counts">What it counts.</param>
    /// <param name="before">What had been counted when the job was last resumed, which counts no more.</param>
    public static bool Fires(this JobThreshold threshold, TargetCounts counts, TargetCounts before)
    {
        // What was unknown then and has ended badly since is new: less of one state does not make up for more of another.
        var bad = threshold.States.Sum(state => Math.Max(0, counts[state] - before[state]));
        if (threshold.Count is { } most)
        {
            return bad >= most;
        }

        // Who is unknown has not ended; a rule that counts the unknown has them among those that it looks at.
        var seen = counts.Ended - before.Ended
            + (threshold.States.Contains(TargetState.Unknown) ? Math.Max(0, counts[TargetState.Unknown] - before[TargetState.Unknown]) : 0);
        return bad > 0 && seen >= threshold.MinSample && 100.0 * bad >= threshold.Percent * seen;
    }
}
