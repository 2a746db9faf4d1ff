using ControlPlane.Flow;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>Asks the external decider within the policy's deadline, so many at once, behind a breaker.</summary>
internal sealed class ExternalDecision(IExternalDecider? decider, TimeProvider time, PlacementMeter meter)
{
    /// <summary>Questions under way at once; beyond it the policy's rule for time-outs holds.</summary>
    public const int AskedMax = OutsideCalls.AskedMax;

    /// <summary>Failures in a row after which nothing is asked for a while.</summary>
    public const int FailuresMax = OutsideCalls.FailuresMax;

    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(30);

    /// <summary>How long a question may wait for its turn, and for a program to be started.</summary>
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(10);

    private readonly OutsideCalls calls = new(LeftAloneFor, time);

    public async Task<ExternalVerdict> AskAsync(ExternalQuestion question, DecisionRule rule)
    {
        if (decider is null)
        {
            return Lost("none is configured");
        }

        if (calls.TryBegin() is { } refusal)
        {
            return Lost(refusal);
        }

        using var patience = new CancellationTokenSource(StartMax + rule.Deadline, time);
        try
        {
            var answer = await decider.AskAsync(question, rule.Deadline, patience.Token).WaitAsync(patience.Token);
            calls.End(CallResult.Answered);
            return new ExternalVerdict(answer, null);
        }
        catch (OperationCanceledException)
        {
            calls.End(CallResult.Failed);
            return Lost(patience.IsCancellationRequested
                ? $"its turn did not come within {StartMax.TotalSeconds:0} s"
                : $"it did not answer within {rule.Deadline.TotalMilliseconds:0} ms");
        }
        catch (ExternalDecisionException failed)
        {
            calls.End(CallResult.Failed);
            return Lost(failed.Message);
        }
#pragma warning disable CA1031 // Whatever a decider throws, the policy says what holds without it, and the breaker must hear of it.
        catch (Exception defect)
#pragma warning restore CA1031
        {
            calls.End(CallResult.Failed);
            return Lost($"it failed unexpectedly: {defect.Message}");
        }
    }

    /// <summary>Counts what became of an answer.</summary>
    public void Note(string outcome) => meter.ExternallyDecided(outcome);

    private static ExternalVerdict Lost(string why) => new(null, $"the external decision was not to be had: {why}");
}

/// <param name="Answer">Null when there is none.</param>
/// <param name="Lost">Why there is none.</param>
internal sealed record ExternalVerdict(ExternalAnswer? Answer, string? Lost);
