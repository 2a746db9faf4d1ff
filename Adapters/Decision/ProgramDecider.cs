using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Decision;

/// <summary>Asks a program: one JSON object on its standard input, one on its standard output, as Choria Provisioner's helper.</summary>
/// <param name="options">Which program.</param>
/// <param name="time">The time.</param>
/// <param name="start">Starts it; <see cref="Process.Start(ProcessStartInfo)"/> by default.</param>
internal sealed class ProgramDecider(
    IOptions<DecisionOptions> options, TimeProvider time, Func<ProcessStartInfo, Process?>? start = null) : IExternalDecider, IDisposable
{
    private readonly SemaphoreSlim places = new(options.Value.ProgramsMax);

    public async Task<ExternalAnswer> AskAsync(ExternalQuestion question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return DecisionMessages.Read(await RunAsync(DecisionMessages.Write(question), deadline, cancellationToken), question);
        }
        finally
        {
            places.Release();
        }
    }

    public void Dispose() => places.Dispose();

    private async Task<string> RunAsync(string question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        // On a busy machine starting takes seconds. Not on the caller's scheduler, and not left alone: what was started is killed.
        using var process = await Task.Factory.StartNew(
            Start, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        using var patience = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await TellAsync(process, question, either.Token);
            var answer = await ReadAsync(process.StandardOutput, either.Token);
            await process.WaitForExitAsync(either.Token);
            return process.ExitCode == 0 ? answer
                : throw new ExternalDecisionException($"{options.Value.Program} ended with exit code {process.ExitCode}");
        }
        catch (IOException broken)
        {
            throw new ExternalDecisionException($"{options.Value.Program} failed: {broken.Message}", broken);
        }
        finally
        {
            Kill(process);
        }
    }

    private static async Task TellAsync(Process process, string question, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(question.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not want to know; what it answers and how it ends counts.
        }
    }

    private Process Start()
    {
        var program = new ProcessStartInfo(options.Value.Program!, options.Value.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        try
        {
            return (start ?? Process.Start)(program) ?? throw new ExternalDecisionException($"{options.Value.Program} did not start");
        }
        catch (Exception unable) when (unable is Win32Exception or InvalidOperationException)
        {
            throw new ExternalDecisionException($"{options.Value.Program} cannot be started: {unable.Message}", unable);
        }
    }

    private static async Task<string> ReadAsync(StreamReader output, CancellationToken cancellationToken)
    {
        var buffer = new char[DecisionMessages.AnswerLengthMax + 1];
        var length = await output.ReadBlockAsync(buffer, cancellationToken);
        return length <= DecisionMessages.AnswerLengthMax ? new string(buffer, 0, length)
            : throw new ExternalDecisionException($"the answer has more than {DecisionMessages.AnswerLengthMax} characters");
    }

    // With all that it started. One that ended by itself is no longer there to be killed.
    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception)
        {
        }
    }
}
