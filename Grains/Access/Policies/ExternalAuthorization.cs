using ControlPlane.Flow;

namespace ControlPlane.Access.Policies;

/// <summary>
/// Asks the service outside within the policy's deadline, so many at once, behind a breaker. What it does not allow is denied, and so is
/// everything while it is away. Thread-safe.
/// </summary>
internal sealed class ExternalAuthorization(AccessMeter meter, TimeProvider time, IAccessAuthority? authority = null)
{
    /// <summary>Questions under way at once; beyond it requests are denied.</summary>
    public const int AskedMax = OutsideCalls.AskedMax;

    /// <summary>Failures in a row after which nothing is asked for a while.</summary>
    public const int FailuresMax = OutsideCalls.FailuresMax;

    /// <summary>How long it is left alone: short, since meanwhile everything that it has a say in is denied.</summary>
    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(5);

    private readonly OutsideCalls calls = new(LeftAloneFor, time);

    /// <returns>Why the request is denied; null when it is allowed.</returns>
    public async ValueTask<string?> WhyNotAsync(AccessQuestion question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (authority is null)
        {
            return Lost("none is configured");
        }

        if (calls.TryBegin() is { } refusal)
        {
            return Lost(refusal);
        }

        using var patience = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var verdict = await authority.AskAsync(question, either.Token).WaitAsync(either.Token);
            calls.End(CallResult.Answered);
            meter.JudgedOutside(verdict.IsAllowed ? "allowed" : "denied");
            return verdict.IsAllowed ? null : $"the authority outside denies it: {verdict.Reason ?? "it gives no reason"}";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Nobody waits for the decision any more, and nothing was learnt of the authority.
            calls.End(CallResult.Unused);
            throw;
        }
        catch (OperationCanceledException)
        {
            calls.End(CallResult.Failed);
            return Lost($"it did not answer within {deadline.TotalMilliseconds:0} ms");
        }
        catch (AccessAuthorityException failed)
        {
            calls.End(CallResult.Failed);
            return Lost(failed.Message);
        }
        catch
        {
            calls.End(CallResult.Failed);
            throw;
        }
    }

    private string Lost(string why)
    {
        meter.JudgedOutside("lost");
        return $"the authority outside could not be asked, so it is denied: {why}";
    }
}
