namespace ControlPlane.TestKit.Stage;

/// <summary>One silo of a stage: a process of its own, or inside of the one that tests.</summary>
public abstract class StageSilo : IAsyncDisposable
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    protected StageSilo(Uri api, Uri health)
    {
        Api = new HttpClient { BaseAddress = api };
        Health = new HttpClient { BaseAddress = health };
    }

    /// <summary>Its HTTP API.</summary>
    public HttpClient Api { get; }

    /// <summary>Its health and metrics.</summary>
    public HttpClient Health { get; }

    public abstract bool IsRunning { get; }

    /// <summary>The last lines that it logged.</summary>
    public abstract string Output { get; }

    /// <summary>How it ended; empty while it runs.</summary>
    public abstract string Ending { get; }

    /// <summary>Ends it at once: nothing is handed over.</summary>
    public abstract Task KillAsync();

    public virtual ValueTask DisposeAsync()
    {
        Api.Dispose();
        Health.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Waits until it says that it is ready.</summary>
    protected async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var begun = TimeProvider.System.GetTimestamp();
        var last = "it did not listen";
        while (TimeProvider.System.GetElapsedTime(begun) < ReadyDeadline)
        {
            if (!IsRunning)
            {
                throw new InvalidOperationException($"the silo ended:\n{Output}{Ending}");
            }

            try
            {
                using var answer = await Health.GetAsync("/readyz", cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }

                last = await answer.Content.ReadAsStringAsync(cancellationToken);
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(PollInterval, cancellationToken);
        }

        throw new TimeoutException($"the silo was not ready after {ReadyDeadline.TotalSeconds:0} s: {last}\n{Output}");
    }
}
