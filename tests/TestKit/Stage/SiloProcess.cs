using System.Diagnostics;

namespace ControlPlane.TestKit.Stage;

/// <summary>One silo as its own process, as it runs in production.</summary>
public sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly ChildProcess process;

    private SiloProcess(ChildProcess process, Uri api, Uri health)
    {
        this.process = process;
        Api = new HttpClient { BaseAddress = api };
        Health = new HttpClient { BaseAddress = health };
    }

    /// <summary>Its HTTP API.</summary>
    public HttpClient Api { get; }

    /// <summary>Its health and metrics.</summary>
    public HttpClient Health { get; }

    public int ProcessId => process.Id;

    public bool IsRunning => !process.HasExited;

    /// <summary>The last lines that it logged.</summary>
    public string Output => process.Output;

    /// <summary>How it ended; empty while it runs.</summary>
    public string Ending => process.HasExited ? $"\n(ended with exit code {process.ExitCode})" : "";

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    /// <param name="program"><c>controlplane.dll</c>.</param>
    /// <param name="configuration">Its configuration file.</param>
    /// <param name="api">Where that file has it listen.</param>
    /// <param name="health">Where that file has it listen for health and metrics.</param>
    /// <param name="onLine">Sees each line that it logs.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<SiloProcess> StartAsync(
        string program, string configuration, Uri api, Uri health, Action<string>? onLine, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet");
        foreach (var argument in new[] { program, "silo", "--config", configuration })
        {
            start.ArgumentList.Add(argument);
        }

        var silo = new SiloProcess(ChildProcess.Start(start, "the .NET SDK that global.json names", onLine), api, health);
        try
        {
            await silo.WaitUntilReadyAsync(cancellationToken);
            return silo;
        }
        catch
        {
            await silo.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    public Task KillAsync() => process.KillAsync();

    /// <summary>Stops it from running while its connections stay open (SIGSTOP): a machine that hangs.</summary>
    public void Pause() => process.Signal(Signals.Stop);

    /// <summary>Lets it run again after <see cref="Pause"/>.</summary>
    public void Continue() => process.Signal(Signals.Continue);

    /// <summary>Asks it to end in order (SIGTERM), and waits.</summary>
    public Task StopAsync() => process.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        Health.Dispose();
        await process.DisposeAsync();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var begun = TimeProvider.System.GetTimestamp();
        var last = "it did not listen";
        while (TimeProvider.System.GetElapsedTime(begun) < ReadyDeadline)
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"the silo ended with exit code {process.ExitCode}:\n{Output}");
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
