using ControlPlane.Enrolment;
using ControlPlane.Flow;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Nodes;

/// <summary>Tells of enrolments, in metrics and in a log that stays readable in a herd.</summary>
internal sealed partial class EnrolmentLog(ProvisioningMeter meter, EnrolmentGate gate, LogPace pace, ILogger<EnrolmentLog> logger)
{
    public void Enrolled(string node, NodeState state, TimeSpan sinceFirstNews)
    {
        meter.Enrolled(sinceFirstNews);
        if (pace.Admits("enrolled", node))
        {
            LogEnrolled(node, state.Overlay, state.Attempt);
        }
    }

    /// <summary>Tells of those who had no line of their own.</summary>
    public void Summarize()
    {
        if (pace.TakeSummary() is { } summary)
        {
            LogSummary(summary);
        }
    }

    public void Held(string node, Hold hold)
    {
        meter.Held(hold.Kind);
        if (hold.Refusal == Refusal.Cloned)
        {
            meter.Cloned();
        }

        if (hold.Refusal == Refusal.Contested)
        {
            meter.Contested();
        }

        if (hold.WaitsFor is { } mark)
        {
            gate.NoteHeldBack(mark);
        }

        if (hold.Kind != NodeStage.Quarantined)
        {
            LogHeld(node, hold.Kind, hold.Reason);
        }
        else if (pace.Admits("quarantined", node))
        {
            LogQuarantined(node, hold.Refusal, hold.Reason);
        }
    }

    /// <summary>A step failed for a reason that is not the node's.</summary>
    public void Failed(string node, EnrolmentStep step, Exception fault)
    {
        if (pace.Admits("held up by faults of ours", node))
        {
            LogFailed(node, step.Name, fault);
        }
    }

    /// <summary>Somebody asks to enrol in the name of a node that lives, and got nothing.</summary>
    public void Contested(string node, string detail)
    {
        meter.Contested();
        if (pace.Admits("contested", node))
        {
            LogContested(node, detail);
        }
    }

    /// <summary>A node was seen as it should not be, and nothing is done about it by itself.</summary>
    public void Noticed(string node, string detail)
    {
        if (pace.Admits("seen as they should not be", node))
        {
            LogNoticed(node, detail);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Node} must be placed again: {Reason}")]
    public partial void Lapsed(string node, string reason);

    [LoggerMessage(LogLevel.Information, "{Node} has moved from {Overlay} to {Owner}: what it held here is revoked")]
    public partial void MovedAway(string node, string overlay, string owner);

    [LoggerMessage(LogLevel.Information, "Decommissioned {Node}, asked for by {Actor}: {Reason}")]
    public partial void Decommissioned(string node, string actor, string reason);

    [LoggerMessage(LogLevel.Information, "Enrolled {Node} in {Overlay}, attempt {Attempt}")]
    private partial void LogEnrolled(string node, string? overlay, int attempt);

    [LoggerMessage(LogLevel.Warning, "Quarantined {Node}: {Refusal}, {Reason}")]
    private partial void LogQuarantined(string node, Refusal? refusal, string reason);

    [LoggerMessage(
        LogLevel.Warning,
        "{Node} is contested: {Detail}. Nothing was issued or revoked; find out which machine of the provisioning network says so")]
    private partial void LogContested(string node, string detail);

    [LoggerMessage(LogLevel.Warning, "{Node}: {Detail}")]
    private partial void LogNoticed(string node, string detail);

    [LoggerMessage(LogLevel.Warning, "The step '{Step}' of {Node} failed for a reason that is not the node's, and will be tried again")]
    private partial void LogFailed(string node, string step, Exception fault);

    [LoggerMessage(LogLevel.Debug, "{Node} is {Stage}: {Reason}")]
    private partial void LogHeld(string node, NodeStage stage, string reason);

    [LoggerMessage(LogLevel.Information, "Besides, within the last seconds: {Summary}")]
    private partial void LogSummary(string summary);
}
