namespace ControlPlane.Enrolment;

/// <summary>Decides when so many nodes fell out of an overlay at once that enrolling them again by itself would do harm. Pure.</summary>
/// <remarks>
/// Kubernetes does the same for its zones: when most of a fleet turns bad at once, the fault is seldom in the nodes, and new certificates
/// for all of them hide it or make it worse.
/// </remarks>
internal static class MassFailure
{
    /// <summary>Why the brake is to stop them; null when it is not.</summary>
    /// <param name="fallen">Nodes that fell within the window.</param>
    /// <param name="nodes">Nodes that live in the overlay, the fallen included; null when nobody knows.</param>
    /// <param name="options">What is too many.</param>
    public static string? Judge(int fallen, int? nodes, AdmissionOptions options) =>
        options.BrakeShare < 1 && fallen >= options.BrakeNodesMin && nodes is { } all && fallen > options.BrakeShare * all
            ? $"{fallen} of its {all} nodes fell back to provisioning within {options.BrakeWindow}"
            : null;
}

/// <summary>How many fell within the last while, second by second.</summary>
internal sealed class FallenNodes
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly Queue<(DateTimeOffset At, int Count)> steps = new();
    private (DateTimeOffset At, int Count) latest;

    public void Add(int count, DateTimeOffset at)
    {
        if (at - latest.At < Step)
        {
            latest.Count += count;
            return;
        }

        steps.Enqueue(latest);
        latest = (at, count);
    }

    public int Within(TimeSpan window, DateTimeOffset now)
    {
        while (steps.TryPeek(out var oldest) && now - oldest.At > window)
        {
            steps.Dequeue();
        }

        return steps.Sum(step => step.Count) + (now - latest.At > window ? 0 : latest.Count);
    }

    public void Forget()
    {
        steps.Clear();
        latest = default;
    }
}
