using System.Security.Cryptography;

namespace ControlPlane.Access;

/// <summary>Logs every call that would change something, the denied ones included, under the category <c>Audit</c>.</summary>
internal sealed partial class AuditLines(ILoggerFactory loggers) : IAuditTrail
{
    public const string Category = "Audit";

    private readonly ILogger _audit = loggers.CreateLogger(Category);

    public Task<AuditedCall> BeginAsync(
        Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
    {
        var call = new AuditedCall(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), caller, request, decision);
        return decision.IsAllowed ? Task.FromResult(call) : LogAsync(call, "denied");
    }

    public Task EndAsync(AuditedCall call, string outcome) => LogAsync(call, outcome);

    public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why)
    {
        LogFailedSignIn(principal ?? "nobody", method, address, why);
        return Task.CompletedTask;
    }

    private Task<AuditedCall> LogAsync(AuditedCall call, string outcome)
    {
        LogCall(
            call.Caller.Principal, call.Request.Operation, call.Request.Node ?? call.Request.Overlay, outcome, call.Caller.Address,
            call.Request.Trace);
        return Task.FromResult(call);
    }

    [LoggerMessage(LogLevel.Information, "{Actor} {Operation} {Target} {Outcome} from {Address} trace {Trace}")]
    private partial void LogCall(string actor, string operation, string? target, string outcome, string? address, string? trace);

    [LoggerMessage(LogLevel.Warning, "{Actor} could not sign in by {Method} from {Address}: {Why}")]
    private partial void LogFailedSignIn(string actor, CallerMethod method, string? address, string why);
}
