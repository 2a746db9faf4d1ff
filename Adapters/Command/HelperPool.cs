using System.Collections.Concurrent;

namespace ControlPlane.Adapters.Command;

/// <summary>Runs the program for one request after the other: anew each time, or on copies that are kept. Thread-safe.</summary>
internal sealed class HelperPool(CommandOptions options, HelperSpeech speech) : IDisposable
{
    private readonly SemaphoreSlim places = new(options.PersistentWorkers > 0 ? options.PersistentWorkers : options.ProgramsMax);
    private readonly ConcurrentBag<HelperProgram> idle = [];

    /// <summary>The program's answer. What is cancelled is killed.</summary>
    public async Task<string> AskAsync(string request, Action onStarted, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return options.PersistentWorkers > 0
                ? await AskKeptAsync(request, onStarted, cancellationToken)
                : await RunOnceAsync(request, onStarted, cancellationToken);
        }
        finally
        {
            places.Release();
        }
    }

    public void Dispose()
    {
        foreach (var program in idle)
        {
            program.Dispose();
        }

        places.Dispose();
    }

    private async Task<string> RunOnceAsync(string request, Action onStarted, CancellationToken cancellationToken)
    {
        using var program = await StartAsync();
        onStarted();
        return await program.RunAsync(request, cancellationToken);
    }

    private async Task<string> AskKeptAsync(string request, Action onStarted, CancellationToken cancellationToken)
    {
        var program = TakeRunning() ?? await StartAsync();
        onStarted();
        try
        {
            var answer = await program.AskAsync(request, cancellationToken);
            idle.Add(program);
            return answer;
        }
        catch
        {
            // Whose answer was not waited for would be taken for the next one's.
            program.Dispose();
            throw;
        }
    }

    // On a busy machine starting takes seconds: not on the scheduler of the grain that asks.
    private Task<HelperProgram> StartAsync() => Task.Factory.StartNew(
        () => HelperProgram.Start(options, speech), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private HelperProgram? TakeRunning()
    {
        while (idle.TryTake(out var program))
        {
            if (program.Runs)
            {
                return program;
            }

            program.Dispose();
        }

        return null;
    }
}
