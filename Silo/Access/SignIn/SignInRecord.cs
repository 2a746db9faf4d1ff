namespace ControlPlane.Access;

/// <summary>Signs people in and out on the record: judged, recorded, then done, its outcome recorded. Thread-safe.</summary>
internal sealed class SignInRecord(IAccessPolicy policy, IAuditTrail audit, ICallLimits limits)
{
    // The library says more of some failures than anybody reads.
    private const int FailureLengthMax = 200;

    /// <summary>Does it, if it may be done; why not otherwise.</summary>
    /// <exception cref="AuditUnavailableException">It cannot be recorded, so it was not done.</exception>
    public async Task<string?> BeginAsync(Caller caller, string operation, Func<Task> effect, CancellationToken cancellationToken)
    {
        var request = new AccessRequest(Permissions.AccessSelf) { Operation = operation };
        var decision = await policy.JudgeAsync(caller, request, cancellationToken);
        var recorded = await audit.BeginAsync(caller, request, decision, cancellationToken);
        if (!decision.IsAllowed)
        {
            return decision.Rule;
        }

        try
        {
            await effect();
        }
        catch (Exception fault)
        {
            await audit.EndAsync(recorded, fault.GetType().Name);
            throw;
        }

        await audit.EndAsync(recorded, "ok");
        return null;
    }

    /// <summary>Counts and records that somebody could not sign in.</summary>
    public Task RefuseAsync(HttpContext context, string why)
    {
        limits.Failed(new SignInAttempt(Callers.AddressOf(context)));
        return audit.RecordFailedSignInAsync(
            CallerMethod.Oidc, principal: null, Callers.AddressOf(context), why[..Math.Min(why.Length, FailureLengthMax)]);
    }
}
