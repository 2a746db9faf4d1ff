using ControlPlane.Access;

namespace ControlPlane.TestKit.Access;

/// <summary>Records nothing: for tests and benchmarks of what calls cost, or do, without a record.</summary>
public sealed class NoAuditTrail : IAuditTrail
{
    public Task<AuditedCall> BeginAsync(
        Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken) =>
        Task.FromResult(new AuditedCall("", caller, request, decision));

    public Task EndAsync(AuditedCall call, string outcome) => Task.CompletedTask;

    public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;
}
