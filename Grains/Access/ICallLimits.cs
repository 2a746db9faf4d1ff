namespace ControlPlane.Access;

/// <summary>
/// How much a caller may ask, and who failed to sign in too often: one count for all ways in. Thread-safe; each silo counts for itself.
/// </summary>
public interface ICallLimits
{
    /// <summary>Whether a credential is looked at: asked before anything is computed for it. Changes nothing.</summary>
    /// <returns>Why it is not; null when it is.</returns>
    CallRefusal? LockOf(SignInAttempt attempt);

    /// <summary>Counts a credential that is not good. To be called once for each.</summary>
    void Failed(SignInAttempt attempt);

    /// <summary>Whether somebody who is authenticated may ask once more, and counts it.</summary>
    /// <returns>Why not; null when they may.</returns>
    CallRefusal? Take(Caller caller);
}

/// <summary>Whose failure counts, when a credential is not good.</summary>
/// <param name="Address">Where it came from; null where nobody knows.</param>
public sealed record SignInAttempt(string? Address)
{
    /// <summary>The user whose password was tried, whoever that was; null where none was.</summary>
    public string? UserName { get; init; }

    /// <summary>The principal whom the credential proves that failed all the same, as a stolen token without its key does.</summary>
    public string? Holder { get; init; }
}

/// <param name="IsLock">Whether too many sign-ins failed; otherwise too much is asked.</param>
/// <param name="Wait">For how long; about right.</param>
/// <param name="Detail">What is told to who asked.</param>
public sealed record CallRefusal(bool IsLock, TimeSpan Wait, string Detail);
