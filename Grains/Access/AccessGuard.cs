namespace ControlPlane.Access;

/// <summary>Lets a call be made: judged by the policy, recorded before its effect, its outcome recorded after it. Thread-safe.</summary>
public sealed class AccessGuard(IAccessPolicy policy, IAuditTrail audit)
{
    /// <summary>Makes a call for a caller, if it may be made.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="request">What for.</param>
    /// <param name="call">Makes it, and says in a word what came of it.</param>
    /// <param name="cancellationToken">Ends the wait for the decision and its record.</param>
    /// <exception cref="AccessDeniedException">The policy does not allow it.</exception>
    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it was not made.</exception>
    public async Task InvokeAsync(Caller caller, AccessRequest request, Func<Task<string>> call, CancellationToken cancellationToken) =>
        await InvokeAsync(caller, request, await policy.JudgeAsync(caller, request, cancellationToken), call, cancellationToken);

    /// <summary>Makes a call for a caller, if the policy's decision lets it be made.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="request">What for.</param>
    /// <param name="decision">What the policy said to that.</param>
    /// <param name="call">Makes it, and says in a word what came of it.</param>
    /// <param name="cancellationToken">Ends the wait for the decision's record.</param>
    /// <exception cref="AccessDeniedException">The policy does not allow it.</exception>
    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it was not made.</exception>
    public async Task InvokeAsync(
        Caller caller, AccessRequest request, AccessDecision decision, Func<Task<string>> call, CancellationToken cancellationToken)
    {
        if (!decision.IsAllowed)
        {
            await audit.BeginAsync(caller, request, decision, cancellationToken);
            throw decision.ToException(caller, request);
        }

        if (Permissions.IsReading(request.Permission) && !decision.WouldBeDenied)
        {
            await call();
            return;
        }

        var recorded = await audit.BeginAsync(caller, request, decision, cancellationToken);
        string outcome;
        try
        {
            outcome = await call();
        }
        catch (Exception fault)
        {
            await audit.EndAsync(recorded, fault.GetType().Name);
            throw;
        }

        await audit.EndAsync(recorded, outcome);
    }
}
