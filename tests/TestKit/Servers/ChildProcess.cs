using System.ComponentModel;
using System.Diagnostics;

namespace ControlPlane.TestKit;

/// <summary>A program that runs as our child, with its output kept, and that does not outlive us, however we end.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int OutputLinesMax = 500;
    private static readonly TimeSpan ExitDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Process _watchdog;
    private readonly Queue<string> _output = new();
    private readonly Action<string>? _onLine;

    private ChildProcess(Process process, Process watchdog, Action<string>? onLine)
    {
        _process = process;
        _watchdog = watchdog;
        _onLine = onLine;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Its exit code; only after <see cref="HasExited"/>.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last 500 lines that it wrote.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return string.Join('\n', _output);
            }
        }
    }

    /// <param name="start">What to start; its streams are redirected here.</param>
    /// <param name="installation">The command that installs the program: the whole message when it is missing.</param>
    /// <param name="onLine">Sees each line of output as it comes.</param>
    public static ChildProcess Start(ProcessStartInfo start, string installation, Action<string>? onLine = null)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        try
        {
            var process = Process.Start(start)!;
            return new ChildProcess(process, Watch(process.Id), onLine);
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException(
                $"{start.FileName} cannot be started ({missing.Message}); install it: {installation}", missing);
        }
    }

    /// <summary>
    /// Sends a signal; after SIGSTOP it returns when the process stands still, so that nothing sent afterwards is answered.
    /// </summary>
    public void Signal(int signal)
    {
        Signals.Send(_process.Id, signal);
        if (signal == Signals.Stop)
        {
            SpinWait.SpinUntil(() => _process.HasExited || StateOf(_process.Id) == 'T', StopDeadline);
        }
    }

    /// <summary>Asks it to end and waits for that; after a minute it is killed.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            // A stopped process cannot hear the request to end.
            Signal(Signals.Continue);
            Signal(Signals.Terminate);
        }

        using var deadline = new CancellationTokenSource(ExitDeadline, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
        }
    }

    /// <summary>Ends it at once (SIGKILL), as a crash or a power cut would.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();

        // Ended before its standard input closes, so that it never signals a process id that the system has given to someone else.
        _watchdog.Kill();
        await _watchdog.WaitForExitAsync(CancellationToken.None);
        _watchdog.Dispose();
        _process.Dispose();
    }

    // The pipe to its standard input closes when we end, by SIGKILL too, which no handler in this process would see.
    private static Process Watch(int processId)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");

        // Ctrl-C reaches the whole foreground group: the watchdog must outlive it to see the parent go.
        start.ArgumentList.Add($"trap '' INT TERM; read _; kill -9 {processId} 2>/dev/null");
        return Process.Start(start)!;
    }

    // "pid (name) state …": the name may hold anything, a parenthesis too.
    private static char StateOf(int processId)
    {
        var stat = File.ReadAllText($"/proc/{processId}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.Enqueue(line);
            if (_output.Count > OutputLinesMax)
            {
                _output.Dequeue();
            }
        }

        _onLine?.Invoke(line);
    }
}
