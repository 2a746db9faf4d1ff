namespace ControlPlane.Access;

/// <summary>The record of who asked what, and what came of it. Thread-safe.</summary>
public interface IAuditTrail
{
    /// <summary>Records a call before it is made, or that it is denied. When it returns, the record is kept.</summary>
    /// <returns>What the record of the outcome is to be joined with.</returns>
    /// <exception cref="AuditUnavailableException">It is not kept, or nobody knows: the call may not be made.</exception>
    Task<AuditedCall> BeginAsync(Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken);

    /// <summary>Records what came of a call. It has happened: where it cannot be recorded now, it is recorded later, and said.</summary>
    /// <param name="call">The call.</param>
    /// <param name="outcome">In a word or a few, e.g. <c>ok</c>, an HTTP status or an exception's name; never a secret.</param>
    Task EndAsync(AuditedCall call, string outcome);

    /// <summary>Records that somebody could not sign in, or was locked out.</summary>
    /// <param name="method">How it was tried.</param>
    /// <param name="principal">In whose name, as it was said; null when nothing was said.</param>
    /// <param name="address">From where.</param>
    /// <param name="why">What was wrong; never the credential.</param>
    Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why);
}

/// <param name="Id">The record's id, unique in the site.</param>
/// <param name="Caller">Who asked.</param>
/// <param name="Request">What for.</param>
/// <param name="Decision">What was decided.</param>
public sealed record AuditedCall(string Id, Caller Caller, AccessRequest Request, AccessDecision Decision);
