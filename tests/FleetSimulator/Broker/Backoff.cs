namespace ControlPlane.FleetSimulator.Broker;

/// <summary>How long an agent waits before it tries a broker again: from half a second to twenty, for ever.</summary>
internal static class Backoff
{
    private const int FirstMilliseconds = 500;
    private const int StepMilliseconds = 500;
    private const int LastMilliseconds = 20_000;

    /// <summary>The delay before attempt <paramref name="attempt"/>, from 0: half of its step and up to the whole of it more.</summary>
    public static TimeSpan Delay(int attempt, Random random)
    {
        var step = Math.Min(FirstMilliseconds + ((long)attempt * StepMilliseconds), LastMilliseconds);
        return TimeSpan.FromMilliseconds((step / 2.0) + (random.NextDouble() * step));
    }
}
