namespace ControlPlane.Access;

/// <summary>Without a policy, whoever is authenticated may do everything.</summary>
internal sealed class AuthenticatedMayDoAll : IAccessPolicy
{
    public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
        new(new AccessDecision(IsAllowed: true, "no policy is configured: who is authenticated may do everything", Policy: "none"));
}
