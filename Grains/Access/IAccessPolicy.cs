namespace ControlPlane.Access;

/// <summary>Says what callers may do. Thread-safe.</summary>
public interface IAccessPolicy
{
    /// <summary>Judges by the policy that is in force now. Changes nothing, and may be repeated.</summary>
    ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken);
}
