using System.Collections.Concurrent;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Command;

/// <summary>Runs the program for one request after the other: anew each time, or on copies that are kept. Thread-safe.</summary>
internal sealed class HelperPool(ProgramOptions options, HelperSpeech speech) : IDisposable
{
    private readonly SemaphoreSlim places = new(options.PersistentWorkers > 0 ? options.PersistentWorkers : options.ProgramsMax);
    private readonly ConcurrentBag<HelperProgram> idle = [];

    /// <summary>The program's answer. What is cancelled or answers nonsense is killed.</summary>
    /// <remarks>All of it on another scheduler than the caller's: on a busy machine starting and killing take seconds.</remarks>
    public Task<HelperAnswer> AskAsync(string request, Action onStarted, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => AskInPlaceAsync(request, onStarted, cancellationToken),
            CancellationToken.None,
            TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default).Unwrap();

    public void Dispose()
    {
        foreach (var program in idle)
        {
            program.Dispose();
        }

        places.Dispose();
    }

    private async Task<HelperAnswer> AskInPlaceAsync(string request, Action onStarted, CancellationToken cancellationToken)
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

    private async Task<HelperAnswer> RunOnceAsync(string request, Action onStarted, CancellationToken cancellationToken)
    {
        using var program = HelperProgram.Start(options, speech);
        onStarted();
        return HelperMessages.Read(await program.RunAsync(request, cancellationToken));
    }

    private async Task<HelperAnswer> AskKeptAsync(string request, Action onStarted, CancellationToken cancellationToken)
    {
        var program = TakeRunning() ?? HelperProgram.Start(options, speech);
        onStarted();
        try
        {
            var answer = HelperMessages.Read(await program.AskAsync(request, cancellationToken));
            idle.Add(program);
            return answer;
        }
        catch
        {
            // Whose answer was not waited for, or who says more than it was asked, would be taken for the next one's.
            program.Dispose();
            throw;
        }
    }

    private HelperProgram? TakeRunning()
    {
        while (idle.TryTake(out var program))
        {
            if (program.IsReady)
            {
                return program;
            }

            program.Dispose();
        }

        return null;
    }
}
