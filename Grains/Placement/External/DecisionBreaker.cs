namespace ControlPlane.Placement;

/// <summary>Leaves someone alone who failed several times in a row, and then tries with one question at a time.</summary>
/// <remarks>Used by one grain: needs no lock.</remarks>
internal sealed class DecisionBreaker
{
    /// <summary>Failures in a row after which nothing is asked for a while.</summary>
    public const int FailuresMax = 5;

    /// <summary>How long nothing is asked.</summary>
    public static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(30);

    private int failures;
    private DateTimeOffset openUntil;
    private bool isProbing;

    /// <summary>Whether a question may be asked now. One that was let through must be followed by a note of its end.</summary>
    public bool TryEnter(DateTimeOffset now)
    {
        if (failures < FailuresMax)
        {
            return true;
        }

        if (now < openUntil || isProbing)
        {
            return false;
        }

        isProbing = true;
        return true;
    }

    public void Succeeded() => (failures, isProbing) = (0, false);

    public void Failed(DateTimeOffset now)
    {
        failures++;
        (openUntil, isProbing) = (now + OpenFor, false);
    }
}
