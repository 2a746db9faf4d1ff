using System.Diagnostics;

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
        var began = Stopwatch.GetTimestamp();
        while (!await ask(cancellationToken))
        {
            if (Stopwatch.GetElapsedTime(began) > limit)
            {
                throw new TimeoutException($"{awaited}: not within {limit}\n{detail?.Invoke()}");
            }

            await Task.Delay(Interval, TimeProvider.System, cancellationToken);
        }
    }
}
