using ControlPlane.Fleet;
using ControlPlane.Provisioning;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Liveness;

/// <summary>Tells the node's grain and the overlay how a node's liveness changed.</summary>
internal sealed partial class LivenessAnnouncer(
    ILivenessAdvisories advisories, IGrainFactory grains, LivenessMeter meter, TimeProvider time, ILogger<LivenessAnnouncer> logger)
{
    /// <summary>An outage of a rack is one line, not one for each of its nodes.</summary>
    private static readonly TimeSpan SummaryInterval = TimeSpan.FromSeconds(10);

    private readonly LogSummary<NodeLiveness> summary = new(SummaryInterval, time);

    /// <summary>Announces one change. Returns whether it was: the grain has written it, and the broker stored the advisory.</summary>
    /// <remarks>The grain first: what a crash in between leaves undone, the next activation announces again, and the grain knows it already.</remarks>
    public async Task<bool> TryAnnounceAsync(string identity, LivenessChange change, CancellationToken cancellationToken)
    {
        try
        {
            await grains.GetGrain<INodeGrain>(identity).NoteLiveness(change);
            if (KindOf(change) is { } kind)
            {
                await advisories.PublishAsync(new LivenessAdvisory(identity, kind, change.LastHeardAt, change.At), cancellationToken);
            }
        }
        catch (Exception fault) when (fault is SoftStateException or TimeoutException or Orleans.Runtime.OrleansException)
        {
            meter.AnnouncementFailed();
            LogNotAnnounced(identity, change.To, fault.Message);
            return false;
        }

        meter.Changed(change.To);
        LogChanged(identity, change.From, change.To, change.LastHeardAt);
        if (change.To is not NodeLiveness.Alive && summary.Add(change.To, identity) is { } lines)
        {
            LogSummary(lines);
        }

        return true;
    }

    /// <summary>Writes what the last interval left unsaid.</summary>
    public void Summarise()
    {
        if (summary.TakeDue() is { } lines)
        {
            LogSummary(lines);
        }
    }

    // Choria has no event for a node that was back for long enough.
    private static AdvisoryKind? KindOf(LivenessChange change) => change switch
    {
        { To: NodeLiveness.Late } => AdvisoryKind.Timeout,
        { To: NodeLiveness.Lost } => AdvisoryKind.Expire,
        { To: NodeLiveness.Returned } => AdvisoryKind.Recover,
        { From: NodeLiveness.Unknown, To: NodeLiveness.Alive } => AdvisoryKind.New,
        _ => null,
    };

    [LoggerMessage(LogLevel.Information, "Liveness: {Summary}")]
    private partial void LogSummary(string summary);

    [LoggerMessage(LogLevel.Debug, "{Node} was {From} and is {To}; last heard {LastHeard}")]
    private partial void LogChanged(string node, NodeLiveness from, NodeLiveness to, DateTimeOffset lastHeard);

    [LoggerMessage(LogLevel.Debug, "That {Node} is {To} could not be announced yet: {Reason}")]
    private partial void LogNotAnnounced(string node, NodeLiveness to, string reason);
}
