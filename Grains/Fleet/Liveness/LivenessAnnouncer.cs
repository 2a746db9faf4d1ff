using ControlPlane.Enrolment;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Fleet;

/// <summary>Tells the node's grain and the overlay how a node's liveness changed.</summary>
internal sealed partial class LivenessAnnouncer(
    ILivenessAdvisories advisories, IGrainFactory grains, LivenessMeter meter, LogPace pace, ILogger<LivenessAnnouncer> logger)
{
    /// <summary>Announces one change: the grain writes it, and the broker stores the advisory.</summary>
    /// <remarks>
    /// The grain first: what a crash in between leaves undone, the next activation announces again, and the grain knows it already.
    /// </remarks>
    /// <param name="identity">The node.</param>
    /// <param name="change">What is announced.</param>
    /// <param name="recorded">Told when the grain has written it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<Announcement> AnnounceAsync(
        string identity, LivenessChange change, Action<string, NodeLiveness> recorded, CancellationToken cancellationToken)
    {
        try
        {
            if (!await grains.GetGrain<IInternalNodeGrain>(identity).RecordLiveness(change))
            {
                return Announcement.Unwanted;
            }

            // Also when the grain had written it before: whoever asked it then may have ended before it heard so.
            recorded(identity, change.To);

            if (KindOf(change) is { } kind)
            {
                await advisories.PublishAsync(new LivenessAdvisory(identity, kind, change.LastHeardAt, change.At), cancellationToken);
            }
        }
        catch (Exception fault) when (fault is StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException)
        {
            meter.AnnouncementFailed();
            LogNotAnnounced(identity, change.To, fault.Message);
            return Announcement.Failed;
        }

        meter.Changed(change.To);
        Tell(identity, change);
        return Announcement.Done;
    }

    private void Tell(string identity, LivenessChange change)
    {
        // That nodes are well is no news; that a rack is not is some lines and a sum, not one for each of its nodes.
        if (change.To != NodeLiveness.Alive && pace.Admits(WordOf(change.To), identity))
        {
            LogUnwell(identity, change.To, change.LastHeardAt);
        }
        else
        {
            LogChanged(identity, change.From, change.To, change.LastHeardAt);
        }
    }

    private static string WordOf(NodeLiveness state) => state switch
    {
        NodeLiveness.Late => "late",
        NodeLiveness.Lost => "lost",
        _ => "returned",
    };

    // Choria has no event for a node that was back for long enough.
    private static AdvisoryKind? KindOf(LivenessChange change) => change switch
    {
        { To: NodeLiveness.Late } => AdvisoryKind.Timeout,
        { To: NodeLiveness.Lost } => AdvisoryKind.Expire,
        { To: NodeLiveness.Returned } => AdvisoryKind.Recover,
        { From: NodeLiveness.Unknown, To: NodeLiveness.Alive } => AdvisoryKind.New,
        _ => null,
    };

    [LoggerMessage(LogLevel.Information, "{Node} is {To}; last heard {LastHeard}")]
    private partial void LogUnwell(string node, NodeLiveness to, DateTimeOffset lastHeard);

    [LoggerMessage(LogLevel.Debug, "{Node} was {From} and is {To}; last heard {LastHeard}")]
    private partial void LogChanged(string node, NodeLiveness from, NodeLiveness to, DateTimeOffset lastHeard);

    [LoggerMessage(LogLevel.Debug, "That {Node} is {To} could not be announced yet: {Reason}")]
    private partial void LogNotAnnounced(string node, NodeLiveness to, string reason);
}

/// <summary>What came of announcing a change.</summary>
internal enum Announcement
{
    Done = 0,

    /// <summary>It is to be tried again.</summary>
    Failed = 1,

    /// <summary>The node left the fleet: it is not to be followed.</summary>
    Unwanted = 2,
}
