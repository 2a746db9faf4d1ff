namespace ControlPlane.Access;

/// <summary>Makes records of what happens. Pure.</summary>
/// <remarks>What callers write is cut: a record must fit into the log whatever they send.</remarks>
internal static class AuditRecords
{
    private const int TextMax = 1_000;
    private const int NameMax = 256;
    private const int NamesMax = 64;

    /// <summary>A call that is about to be made, or that is denied.</summary>
    public static AuditRecord Of(AuditedCall call, DateTimeOffset now) => About(call, now) with
    {
        Kind = call.Decision.IsAllowed ? AuditKind.Call : AuditKind.Denied,
        Who = CallerOf(call.Caller) with
        {
            Groups = call.Caller.Groups.Count == 0 ? null : [.. call.Caller.Groups.Take(NamesMax).Select(group => Cut(group, NameMax)!)],
            Credential = Cut(call.Caller.CredentialId, NameMax),
            SecondFactorAt = call.Caller.SecondFactorAt,
        },
        Parameters = call.Request.Parameters.Count == 0
            ? null
            : call.Request.Parameters.Take(NamesMax).DistinctBy(one => Cut(one.Key, NameMax))
                .ToDictionary(one => Cut(one.Key, NameMax)!, one => Cut(one.Value, TextMax + 64)!, StringComparer.Ordinal),
        Reason = Cut(call.Request.Reason, TextMax),
        Submitter = Cut(call.Decision.Submitter ?? call.Request.Submitter, NameMax),
        Decision = new AuditDecision(
            call.Decision.IsAllowed, Cut(call.Decision.Rule, TextMax)!, Cut(call.Decision.Policy, NameMax)!, call.Decision.WouldBeDenied),
    };

    /// <summary>What came of a call.</summary>
    public static AuditRecord Of(AuditedCall call, string outcome, DateTimeOffset now) =>
        About(call, now) with { Kind = AuditKind.Outcome, Outcome = Cut(outcome, NameMax) };

    /// <summary>The outcome of a call whose record may be in the log, and that was not made.</summary>
    public static AuditRecord NotMade(AuditRecord call) => call with
    {
        Kind = AuditKind.Outcome,
        Outcome = "not made: it could not be recorded in time",
        Parameters = null,
        Reason = null,
        Submitter = null,
        Decision = null,
    };

    public static AuditRecord OfFailedSignIn(
        string id, CallerMethod method, string? principal, string? address, string why, DateTimeOffset now) => new()
        {
            Id = id,
            Kind = AuditKind.SignInFailed,
            At = now,
            Who = new AuditCaller(Cut(principal, NameMax), method, Address: Cut(address, NameMax)),
            Outcome = Cut(why, TextMax),
        };

    public static AuditRecord Of(string id, AuditOmission omission, DateTimeOffset now) =>
        new() { Id = id, Kind = AuditKind.Omitted, At = now, Omitted = omission with { Address = Cut(omission.Address, NameMax) } };

    // Both records say it, so that either is found by it.
    private static AuditRecord About(AuditedCall call, DateTimeOffset now)
    {
        var request = call.Request;
        var on = new AuditTarget(
            Cut(request.Overlay, NameMax), Cut(request.Node, NameMax), Cut(request.Collective, NameMax), Cut(request.Agent, NameMax),
            Cut(request.Action, NameMax), request.Targets, Cut(request.Plan, NameMax), Cut(request.Job, NameMax));
        return new AuditRecord
        {
            Id = call.Id,
            Kind = AuditKind.Call,
            At = now,
            Who = CallerOf(call.Caller),
            Permission = request.Permission,
            Operation = Cut(request.Operation, NameMax),
            On = on == new AuditTarget() ? null : on,
            Trace = Cut(call.Caller.Trace, NameMax),
        };
    }

    private static AuditCaller CallerOf(Caller caller) =>
        new(Cut(caller.Principal, NameMax), caller.Method, Address: Cut(caller.Address, NameMax));

    private static string? Cut(string? text, int most) => text is null || text.Length <= most ? text : $"{text[..most]}…";
}
