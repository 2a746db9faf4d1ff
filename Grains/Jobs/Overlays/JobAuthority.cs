using ControlPlane.Access;
using ControlPlane.Access.Policies;

namespace ControlPlane.Jobs;

/// <summary>Whether a job's submitter may do in one overlay what the job is to do there: judged and recorded as theirs.</summary>
internal sealed class JobAuthority(AccessGuard guard, IAccessPolicy policy)
{
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
        var (request, decision) = await JudgeAsync(caller, order, identities, cancellationToken);
        await guard.InvokeAsync(
            caller,
            request,
            decision,
            async () =>
            {
                await take(decision.ConcurrencyMax);
                return "ok";
            },
            cancellationToken);
    }

    /// <summary>Judges, and does nothing.</summary>
    /// <exception cref="AccessDeniedException">The policy does not allow it, or not for each target.</exception>
    public async Task CheckAsync(OverlayJobOrder order, IReadOnlyList<string> identities, CancellationToken cancellationToken)
    {
        var caller = order.Submitter.ToCaller();
        var (request, decision) = await JudgeAsync(caller, order, identities, cancellationToken);
        if (!decision.IsAllowed)
        {
            throw decision.ToException(caller, request);
        }
    }

    // A plan was judged when it was approved, and its nodes are those that the region's leader names.
    private async Task<(AccessRequest Request, AccessDecision Decision)> JudgeAsync(
        Caller caller, OverlayJobOrder order, IReadOnlyList<string> identities, CancellationToken cancellationToken)
    {
        var request = RequestOf(order, identities.Count);
        return caller.Method == CallerMethod.System && order.Spec.Targets.Plan is { } plan
            ? (request, new AccessDecision(IsAllowed: true, $"the plan {plan.Id} was approved", AccessPolicy.NoVersion))
            : await policy.JudgeNodesAsync(caller, request, identities, cancellationToken);
    }

    // Who may have a node enrol anew may have many do so.
    private static AccessRequest RequestOf(OverlayJobOrder order, int targets) => new(
        OwnAgent.Runs(order.Spec.Action) ? Permissions.NodesReprovision : Permissions.JobsRun)
    {
        Overlay = order.Overlay,
        Agent = order.Spec.Action.Agent,
        Action = order.Spec.Action.Name,
        AlsoActions = order.Spec.Action.StatusActions,
        AreNodesChosen = true,
        Targets = targets,
        Reason = order.Spec.Reason.Length == 0 ? null : order.Spec.Reason,
        Operation = "job",
        Parameters = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["job"] = order.Job,
            ["site"] = order.Site,
            ["alsoActions"] = string.Join(' ', order.Spec.Action.StatusActions.Select(also => $"{also.Agent}#{also.Action}")),
        },
    };
}
