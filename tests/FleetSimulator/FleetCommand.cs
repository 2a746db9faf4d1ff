using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ControlPlane.FleetSimulator;

/// <summary>The program <c>fleet-simulator</c>: runs a fleet until it is told to stop, or has arrived.</summary>
internal static class FleetCommand
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private static readonly Option<string?> Report = new("--report")
    {
        Description = "Where to write one JSON line for each node at the end",
    };

    private static readonly Option<double?> ExitWithin = new("--exit-within")
    {
        Description = "Ends when all nodes that may arrive have, or after so many seconds; exit code 1 if some did not",
    };

    public static RootCommand Create()
    {
        var command = new RootCommand("Choria nodes that live in one process and speak the real protocol to a real broker");
        var arguments = new FleetArguments();
        arguments.AddTo(command);
        command.Options.Add(Report);
        command.Options.Add(ExitWithin);
        command.SetAction((parsed, cancellationToken) => RunAsync(arguments, parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(FleetArguments arguments, ParseResult parsed, CancellationToken cancellationToken)
    {
        var output = parsed.InvocationConfiguration.Output;
        SimulatedFleetOptions options;
        try
        {
            options = arguments.Read(parsed);
        }
        catch (Exception unusable) when (unusable is FormatException or IOException or UnauthorizedAccessException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(unusable.Message);
            return 2;
        }

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stopping));
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stopping));
        await using var fleet = await SimulatedFleet.StartAsync(options, stopping.Token);
        if (fleet.NodesPerConnection > options.NodesPerConnection)
        {
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"notice nodes-per-connection={fleet.NodesPerConnection} because the process may not open {options.Nodes} connections"));
        }

        var patience = parsed.GetValue(ExitWithin) is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var arrived = await WatchAsync(fleet, options.Time, patience, output, stopping.Token);
        if (parsed.GetValue(Report) is { } path)
        {
            await FleetReport.WriteAsync(fleet.Nodes, path, CancellationToken.None);
        }

        return arrived || patience is null ? 0 : 1;
    }

    private static async Task<bool> WatchAsync(
        SimulatedFleet fleet, TimeProvider time, TimeSpan? patience, TextWriter output, CancellationToken stopping)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(ProgressInterval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var progress = fleet.Progress();
            await output.WriteLineAsync(progress.ToLine(time.GetElapsedTime(began)));
            var hasArrived = progress.Arrived >= fleet.ExpectedArrivals;
            if (stopping.IsCancellationRequested || (patience is not null && hasArrived) || time.GetElapsedTime(began) > patience)
            {
                return hasArrived;
            }
        }
    }

    private static void Stop(PosixSignalContext signal, CancellationTokenSource stopping)
    {
        // Ours to handle: the report is still to be written.
        signal.Cancel = true;
        stopping.Cancel();
    }
}
