using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>Whether a job's submitter may do in one overlay what the job is to do there: judged and recorded as theirs.</summary>
internal sealed class JobAuthority(AccessGuard guard, IAccessPolicy policy)
{
    private const int JudgedAtOnce = 64;

    /// <summary>Judges and records, and takes the targets on when they are allowed.</summary>
    /// <param name="order">The job's part in the overlay.</param>
    /// <param name="identities">Its targets.</param>
    /// <param name="take">Takes them on, with how many may work at once; null when no rule says.</param>
    /// <param name="cancellationToken">Ends the judging.</param>
    /// <exception cref="AccessDeniedException">The policy does not allow it, or not for each target.</exception>
    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it was not done.</exception>
    public async Task InvokeAsync(
        OverlayJobOrder order, IReadOnlyList<string> identities, Func<int?, Task> take, CancellationToken cancellationToken)
    {
        var caller = order.Submitter.ToCaller();
        var request = RequestOf(order, identities.Count);
        var decision = await policy.JudgeAsync(caller, request, cancellationToken);
        if (!decision.IsAllowed && identities.Count > 0 && await AreAllowedEachAsync(caller, request, identities, cancellationToken))
        {
            // By rules that hold for nodes of a kind: every target is of it, and one stands for all in the record.
            request = request with { Node = identities[0] };
        }

        await guard.InvokeAsync(
            caller,
            request,
            async () =>
            {
                await take(decision.ConcurrencyMax);
                return "ok";
            },
            cancellationToken);
    }

    private async Task<bool> AreAllowedEachAsync(
        Caller caller, AccessRequest request, IReadOnlyList<string> identities, CancellationToken cancellationToken)
    {
        foreach (var part in identities.Chunk(JudgedAtOnce))
        {
            var judged = await Task.WhenAll(part.Select(
                identity => policy.JudgeAsync(caller, request with { Node = identity }, cancellationToken).AsTask()));
            if (judged.Any(one => !one.IsAllowed))
            {
                return false;
            }
        }

        return true;
    }

    private static AccessRequest RequestOf(OverlayJobOrder order, int targets) => new(Permissions.JobsRun)
    {
        Overlay = order.Overlay,
        Agent = order.Spec.Action.Agent,
        Action = order.Spec.Action.Name,
        Targets = targets,
        Reason = order.Spec.Reason.Length == 0 ? null : order.Spec.Reason,
        Operation = "job",
        Parameters = new Dictionary<string, string>(StringComparer.Ordinal) { ["job"] = order.Job, ["site"] = order.Site },
    };
}
