namespace ControlPlane.Health;

/// <summary>A trial of what the silo lives by: made at most every few seconds, however many probes ask. Thread-safe.</summary>
/// <param name="trial">Why it failed, or null.</param>
/// <param name="time">The clock.</param>
internal sealed class RecentTrial(Func<CancellationToken, Task<string?>> trial, TimeProvider time)
{
    /// <summary>The usual interval of probes.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    // Whoever waits for a silo waits for the end of a fault.
    private static readonly TimeSpan FaultKeptFor = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private Task<string?>? last;
    private long madeAt;

    /// <summary>The fault that the last trial found, or null; one that takes too long has failed.</summary>
    public Task<string?> FaultAsync()
    {
        lock (gate)
        {
            if (last is null
                || (last.IsCompletedSuccessfully && time.GetElapsedTime(madeAt) >= (last.Result is null ? KeptFor : FaultKeptFor)))
            {
                madeAt = time.GetTimestamp();
                last = TryAsync();
            }

            return last;
        }
    }

    private async Task<string?> TryAsync()
    {
        using var patience = new CancellationTokenSource(Readiness.Patience, time);
        try
        {
            return await trial(patience.Token).WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            return $"no answer within {Readiness.Patience.TotalSeconds:0} s";
        }

        // The top of what a trial may throw: whoever asks next must not find a trial that has ended without a word.
        catch (Exception fault)
        {
            return fault.Message;
        }
    }
}
