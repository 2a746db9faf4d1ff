using System.Diagnostics;

namespace ControlPlane.TestKit.Stage;

/// <summary>One silo as its own process, as it runs in production.</summary>
public sealed class SiloProcess : StageSilo
{
    private readonly ChildProcess process;

    private SiloProcess(ChildProcess process, Uri api, Uri health)
        : base(api, health) => this.process = process;

    public int ProcessId => process.Id;

    public override bool IsRunning => !process.HasExited;

    public override string Output => process.Output;

    public override string Ending => process.HasExited ? $"\n(ended with exit code {process.ExitCode})" : "";

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
    public override Task KillAsync() => process.KillAsync();

    /// <summary>Stops it from running while its connections stay open (SIGSTOP): a machine that hangs.</summary>
    public void Pause() => process.Signal(Signals.Stop);

    /// <summary>Lets it run again after <see cref="Pause"/>.</summary>
    public void Continue() => process.Signal(Signals.Continue);

    /// <summary>Asks it to end in order (SIGTERM), and waits.</summary>
    public Task StopAsync() => process.StopAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await process.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
