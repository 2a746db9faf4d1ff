namespace ControlPlane.TestKit;

/// <summary>Waits for what has no event to wait for: asks again until it is so, with a deadline.</summary>
public static class Readiness
{
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks until the answer is true.</summary>
    /// <exception cref="TimeoutException">Not in time; says what was awaited, and what <paramref name="detail"/> tells.</exception>
    public static async Task UntilAsync(
        Func<CancellationToken, Task<bool>> ask,
        string awaited,
        CancellationToken cancellationToken,
        Func<string>? detail = null,
        TimeSpan? deadline = null)
    {
        var limit = deadline ?? Deadline;
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        inTime.CancelAfter(limit);
        try
        {
            // A question that is never answered is not in time either.
            while (!await ask(inTime.Token).WaitAsync(inTime.Token))
            {
                await Task.Delay(Interval, TimeProvider.System, inTime.Token);
            }
        }
        catch (OperationCanceledException) when (inTime.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{awaited}: not within {limit}\n{detail?.Invoke()}");
        }
    }
}
