using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace ControlPlane.Adapters.Command;

/// <summary>One running copy of the program. Used by one caller at a time.</summary>
internal sealed class HelperProgram : IDisposable
{
    // A certificate and its chain have some kilobytes; a program that writes on and on must not take the silo's memory.
    private const int AnswerLengthMax = 1 << 20;

    // What it complained of last, for whoever has to mend it.
    private const int ComplaintLengthMax = 4096;
    private static readonly TimeSpan ComplaintPatience = TimeSpan.FromSeconds(1);

    private readonly Process process;
    private readonly HelperSpeech speech;
    private readonly Task<string> complaint;
    private readonly char[] buffer = new char[8 * 1024];

    /// <summary>Reads ahead between two questions: who speaks unasked is not asked again.</summary>
    private Task<int>? unasked;

    private HelperProgram(Process process, HelperSpeech speech)
    {
        this.process = process;
        this.speech = speech;

        // Not inherited: what the silo writes, it answers for. Read to its end all the same, since a full pipe would hold the program.
        complaint = ReadComplaintAsync();
    }

    /// <summary>Whether it runs, and has said nothing since its last answer.</summary>
    public bool IsReady => !process.HasExited && unasked is not { IsCompleted: true };

    /// <exception cref="ProgramNotStartedException">It cannot be started.</exception>
    public static HelperProgram Start(ProgramOptions options, HelperSpeech speech)
    {
        var start = new ProcessStartInfo(options.Program, options.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        try
        {
            return new HelperProgram(
                Process.Start(start) ?? throw new ProgramNotStartedException("it did not start"), speech);
        }
        catch (Exception unable) when (unable is Win32Exception or InvalidOperationException)
        {
            throw new ProgramNotStartedException($"it cannot be started: {unable.Message}", unable);
        }
    }

    /// <summary>Gives it one request and reads all that it answers until it ends.</summary>
    /// <exception cref="IOException">It ended early, failed, or answered without end.</exception>
    public async Task<string> RunAsync(string request, CancellationToken cancellationToken)
    {
        var told = TellAsync(request, cancellationToken);
        var answer = await ReadAsync(untilLineEnd: false, cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        await told;
        return process.ExitCode == 0
            ? answer
            : throw new IOException($"it ended with exit code {process.ExitCode}{await ComplaintAsync()}");
    }

    // Beside the reading, as Choria does: a program may answer before it has read, or without reading.
    private async Task TellAsync(string request, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(request.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not want to know; what it answers and how it ends counts.
        }
    }

    /// <summary>Gives it one request as a line and reads one line.</summary>
    /// <exception cref="IOException">It ended, or answered without end.</exception>
    public async Task<string> AskAsync(string request, CancellationToken cancellationToken)
    {
        await process.StandardInput.WriteAsync($"{request}\n".AsMemory(), cancellationToken);
        await process.StandardInput.FlushAsync(cancellationToken);
        var answer = await ReadAsync(untilLineEnd: true, cancellationToken);
        unasked = process.StandardOutput.ReadAsync(buffer, CancellationToken.None).AsTask();
        return answer;
    }

    /// <summary>Ends it, with all that it started.</summary>
    public void Dispose()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception)
        {
            // It ended by itself in this moment, which is what was wanted.
        }

        process.Dispose();
    }

    private async Task<string> ReadComplaintAsync()
    {
        var last = new StringBuilder();
        var buffer = new char[1024];
        var isCut = false;
        try
        {
            while (await process.StandardError.ReadAsync(buffer) is var read and > 0)
            {
                last.Append(buffer, 0, read);
                isCut |= last.Length > ComplaintLengthMax;
                last.Remove(0, Math.Max(0, last.Length - ComplaintLengthMax));
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It was killed; what it said until then counts.
        }

        // The line that was cut may begin in the middle of a secret, which nobody would recognise any more.
        var said = last.ToString();
        return !isCut ? said : said.IndexOf('\n', StringComparison.Ordinal) is var end and >= 0 ? said[(end + 1)..] : "";
    }

    // What it started may hold its standard error open for long after it ended.
    private async Task<string> ComplaintAsync()
    {
        try
        {
            return speech.Filter(await complaint.WaitAsync(ComplaintPatience)) is { Length: > 0 } said ? $": {said}" : "";
        }
        catch (TimeoutException)
        {
            return "";
        }
    }

    private async Task<string> ReadAsync(bool untilLineEnd, CancellationToken cancellationToken)
    {
        var answer = new StringBuilder();
        while (true)
        {
            var read = unasked is { } ahead
                ? await ahead.WaitAsync(cancellationToken)
                : await process.StandardOutput.ReadAsync(buffer, cancellationToken);
            unasked = null;
            if (read == 0)
            {
                return untilLineEnd ? throw new IOException($"it ended before it answered{await ComplaintAsync()}") : answer.ToString();
            }

            answer.Append(buffer, 0, read);
            if (untilLineEnd && buffer[read - 1] == '\n')
            {
                return answer.ToString();
            }

            if (answer.Length > AnswerLengthMax)
            {
                throw new IOException($"it answered more than {AnswerLengthMax} characters");
            }
        }
    }
}

/// <summary>The program cannot be started.</summary>
internal sealed class ProgramNotStartedException(string message, Exception? inner = null) : Exception(message, inner);
