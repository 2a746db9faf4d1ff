namespace ControlPlane.Placement.Plans;

/// <summary>Says stop when too many of the last ones failed: what breaks the few must not be done to the many.</summary>
/// <param name="what">What is counted, in the plural.</param>
/// <param name="sampleMin">Below this many nothing is concluded.</param>
internal sealed class MassFailureBrake(string what, int sampleMin)
{
    /// <summary>How many of the last are looked at.</summary>
    public const int Window = 50;

    /// <summary>Moves after which something is concluded.</summary>
    public const int MovesMin = 5;

    /// <summary>Enrolments of the region, moves or not, after which something is concluded.</summary>
    public const int EnrolmentsMin = 20;

    /// <summary>The share of failures that stops a plan.</summary>
    public const double FailedShareMax = 0.2;

    private readonly Queue<bool> last = new();

    public void Note(bool failed)
    {
        last.Enqueue(failed);
        if (last.Count > Window)
        {
            last.Dequeue();
        }
    }

    /// <summary>Why to stop; null while there is no reason to.</summary>
    public string? Reason()
    {
        var failed = last.Count(failed => failed);
        return last.Count >= sampleMin && failed > FailedShareMax * last.Count
            ? $"brake: {failed} of the last {last.Count} {what} failed"
            : null;
    }

    public void Reset() => last.Clear();
}
