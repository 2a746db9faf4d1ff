namespace ControlPlane.Overlays.Plans;

/// <summary>Says stop when too many of the last moves failed: what breaks the few must not be done to the many.</summary>
internal sealed class MassFailureBrake
{
    /// <summary>How many of the last moves are looked at.</summary>
    public const int Window = 50;

    /// <summary>Below this many moves nothing is concluded.</summary>
    public const int SampleMin = 5;

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
        return last.Count >= SampleMin && failed > FailedShareMax * last.Count
            ? $"brake: {failed} of the last {last.Count} moves failed"
            : null;
    }

    public void Reset() => last.Clear();
}
