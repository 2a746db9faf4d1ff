namespace ControlPlane.Access.Policies;

/// <summary>A service outside that has a say in what callers may do, such as Open Policy Agent. Thread-safe.</summary>
public interface IAccessAuthority
{
    /// <summary>Asks about one request. Repeatable: it changes nothing.</summary>
    /// <exception cref="AccessAuthorityException">It failed, or said something that cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The deadline is over, or the caller has gone.</exception>
    Task<AccessVerdict> AskAsync(AccessQuestion question, CancellationToken cancellationToken);
}

/// <summary>What is asked.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Request">What for.</param>
/// <param name="Site">At which site.</param>
/// <param name="Overlay">In which overlay; null when the request is about none, or nobody knows.</param>
/// <param name="At">When.</param>
public sealed record AccessQuestion(Caller Caller, AccessRequest Request, string Site, string? Overlay, DateTimeOffset At);

/// <param name="IsAllowed">Whether it may be done.</param>
/// <param name="Reason">Why, in its words; null when it gave none.</param>
public sealed record AccessVerdict(bool IsAllowed, string? Reason);

/// <summary>Nothing usable was said.</summary>
public sealed class AccessAuthorityException(string message, Exception? inner = null) : Exception(message, inner);
