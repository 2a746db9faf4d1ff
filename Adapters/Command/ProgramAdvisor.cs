using System.Text.Json;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Command;

/// <summary>Asks Choria Provisioner's helper what a node is given.</summary>
internal sealed class ProgramAdvisor : INodeAdvisor, IDisposable
{
    private readonly HelperOptions options;
    private readonly TimeProvider time;
    private readonly HelperSpeech speech;
    private readonly HelperPool pool;

    public ProgramAdvisor(IOptions<HelperOptions> options, TimeProvider time)
    {
        (this.options, this.time) = (options.Value, time);
        speech = new HelperSpeech(this.options.Arguments);
        pool = new HelperPool(this.options, speech);
    }

    public TimeSpan DeferFor => options.DeferFor;

    public async Task<HelperAnswer> AskAsync(HelperQuestion question, CancellationToken cancellationToken)
    {
        // From its start: to wait for a place among so many copies is nobody's slowness, and bounded by those that enrol at once.
        using var patience = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var answer = await pool.AskAsync(
                HelperMessages.Write(question), () => patience.CancelAfter(options.TimeLimit), either.Token);
            return answer with { Message = speech.Filter(answer.Message) };
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HelperFailedException($"{options.Program} was killed after {options.TimeLimit.TotalSeconds:0} seconds", late);
        }
        catch (Exception failed) when (failed is IOException or ProgramNotStartedException)
        {
            throw new HelperFailedException($"{options.Program} failed: {failed.Message}", failed);
        }
        catch (JsonException unreadable)
        {
            throw new HelperFailedException($"{options.Program} answered what is not the JSON object that it should be", unreadable);
        }
    }

    public void Dispose() => pool.Dispose();
}
