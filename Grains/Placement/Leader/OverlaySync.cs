using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>Keeps the overlays of a region of one mind: who the leader is, which policy holds, who lives where.</summary>
/// <remarks>Runs on every silo; all that it says may be said several times.</remarks>
internal sealed partial class OverlaySync(
    IGrainFactory grains,
    IPlacementLink link,
    IOptionsMonitor<OverlaysOptions> options,
    ILogger<OverlaySync> logger)
{
    /// <summary>How often the overlays hear of each other.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PlansPeriod = TimeSpan.FromSeconds(15);

    /// <summary>Overlays greeted at once: those that are cut off must not keep the others waiting.</summary>
    private const int GreetingsMax = 16;

    /// <summary>Pages of residents that an overlay takes over in a round; more follow in the next.</summary>
    private const int PagesMax = 20;

    public IEnumerable<Round> Rounds =>
    [
        // A plan goes on after the silo that ran it ended.
        new("plans", PlansPeriod, _ => grains.GetGrain<IInternalPlacementGrain>(Options.Region).Wake()),
        .. link is NoPlacementLink || Options.Members.Count < 2 ? Array.Empty<Round>() : [new("leader", Period, KeepAsync)],
    ];

    private OverlaysOptions Options => options.CurrentValue;

    private IInternalPlacementGrain Leader => grains.GetGrain<IInternalPlacementGrain>(Options.Region);

    /// <summary>One round: the leader greets all others, any other greets the leader and reports what it owes.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        var leader = await Leader.Get();
        if (!leader.IsHere)
        {
            await ReportAsync(leader, cancellationToken);
            return;
        }

        // A leader of an earlier epoch hears here that it is none any more; nobody needs to be told before the first promotion.
        await Parallel.ForEachAsync(
            leader.Epoch > 0 ? Options.Members.Keys.Where(name => name != Options.Local) : [],
            new ParallelOptions { MaxDegreeOfParallelism = GreetingsMax, CancellationToken = cancellationToken },
            (overlay, token) => GreetAsync(overlay, leader, token));
    }

    private async Task ReportAsync(RegionLeader leader, CancellationToken cancellationToken)
    {
        LinkReply reply;
        var asked = 0;
        do
        {
            reply = await link.AskAsync(leader.Leader, await Leader.NextHello(), Options.LeaderPatience, cancellationToken);
            await Leader.Heard(reply);
        }
        while (reply.Residents is not null && ++asked < PagesMax);

        if (!reply.IsLeader || !(await Leader.Get()).OwesReport)
        {
            return;
        }

        for (var after = ""; ;)
        {
            var page = await Leader.NextReport(after);
            var taken = await link.AskAsync(leader.Leader, page, Options.LeaderPatience * 5, cancellationToken);
            if (!taken.IsLeader)
            {
                await Leader.Heard(taken);
                return;
            }

            if (page.IsLast)
            {
                await Leader.Reported(page.Epoch);
                LogReported(Options.Local, leader.Leader);
                return;
            }

            after = page.Next;
        }
    }

    private async ValueTask GreetAsync(string overlay, RegionLeader leader, CancellationToken cancellationToken)
    {
        try
        {
            var hello = new LinkRequest(LinkVerb.Hello, Options.Region, Options.Local, leader.Leader, leader.Epoch);
            await Leader.Heard(await link.AskAsync(overlay, hello, Options.LeaderPatience, cancellationToken));
        }
        catch (LeaderUnreachableException)
        {
            // It is cut off, or has no placement of its own: it hears when it asks.
        }
    }

    [LoggerMessage(LogLevel.Information, "{Overlay} has reported its nodes to {Leader}")]
    private partial void LogReported(string overlay, string leader);
}
