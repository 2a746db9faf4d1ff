using Microsoft.Extensions.Logging;

namespace ControlPlane.Access;

/// <summary>
/// The record of calls on the site's log; and as log lines, under the category <c>Audit</c>, for who reads nothing else.
/// </summary>
internal sealed partial class AuditTrail(
    AuditAppender appender, FloodLimit flood, AuditMeter meter, TimeProvider time, ILoggerFactory loggers) : IAuditTrail
{
    public const string Category = "Audit";

    private readonly ILogger audit = loggers.CreateLogger(Category);

    public async Task<AuditedCall> BeginAsync(
        Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
    {
        var call = new AuditedCall(NewId(), caller, request, decision);
        if (!decision.IsAllowed)
        {
            if (!Admits(caller.Address ?? caller.Principal))
            {
                return call;
            }

            Log(call, "denied");
        }

        var record = AuditRecords.Of(call, time.GetUtcNow());
        try
        {
            await appender.AppendAsync(record, cancellationToken);
        }
        catch (OperationCanceledException) when (decision.IsAllowed)
        {
            // The caller went away: the record may come, and the call does not.
            appender.Enqueue(AuditRecords.NotMade(record));
            throw;
        }

        return call;
    }

    public Task EndAsync(AuditedCall call, string outcome)
    {
        Log(call, outcome);
        appender.Enqueue(AuditRecords.Of(call, outcome, time.GetUtcNow()));
        return Task.CompletedTask;
    }

    public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why)
    {
        // An attacker is not to fill the log of the machine either.
        if (Admits(address))
        {
            LogFailedSignIn(principal ?? "nobody", method, address, why);
            appender.Enqueue(AuditRecords.OfFailedSignIn(NewId(), method, principal, address, why, time.GetUtcNow()));
        }

        return Task.CompletedTask;
    }

    /// <summary>Records how much was left out; called every so often.</summary>
    public void RecordOmitted()
    {
        foreach (var omission in flood.TakeOmitted())
        {
            appender.Enqueue(AuditRecords.Of(NewId(), omission, time.GetUtcNow()));
        }
    }

    private bool Admits(string? address)
    {
        if (flood.Admits(address))
        {
            return true;
        }

        meter.Omitted();
        return false;
    }

    // Of its time first, so that a record is found by its id.
    private string NewId() => Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    private void Log(AuditedCall call, string outcome) => LogCall(
        call.Caller.Principal,
        call.Request.Operation,
        call.Request.Node ?? call.Request.Overlay ?? call.Request.Plan ?? call.Request.Job,
        outcome,
        call.Caller.Address,
        call.Caller.Trace);

    [LoggerMessage(LogLevel.Information, "{Actor} {Operation} {Target} {Outcome} from {Address} trace {Trace}")]
    private partial void LogCall(string actor, string operation, string? target, string outcome, string? address, string? trace);

    [LoggerMessage(LogLevel.Warning, "{Actor} could not sign in by {Method} from {Address}: {Why}")]
    private partial void LogFailedSignIn(string actor, CallerMethod method, string? address, string why);
}
