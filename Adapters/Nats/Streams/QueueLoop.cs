namespace ControlPlane.Adapters.Nats;

/// <summary>Begins again what must run for as long as a queue is read.</summary>
internal static class QueueLoop
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Runs until it is cancelled. Never fails.</summary>
    /// <param name="run">What must go on.</param>
    /// <param name="failed">Is told of each time that it did not.</param>
    /// <param name="time">Paces the tries.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(
        Func<CancellationToken, Task> run, Action<Exception> failed, TimeProvider time, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await run(cancellationToken);
            }
#pragma warning disable CA1031 // The top of a loop that must go on: a queue that is not acknowledged is delivered again and again.
            catch (Exception defect)
#pragma warning restore CA1031
            {
                failed(defect);
                await Task.Delay(RetryDelay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
