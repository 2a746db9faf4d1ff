using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Overlays;

/// <summary>Keeps the overlays of a region of one mind: who the home is, which policy holds, who lives where.</summary>
/// <remarks>Runs on every silo; all that it says may be said several times.</remarks>
internal sealed partial class HomeKeeper(
    IGrainFactory grains,
    IPlacementLink link,
    IOptionsMonitor<OverlaysOptions> options,
    Loops loops,
    ILogger<HomeKeeper> logger) : BackgroundService
{
    /// <summary>How often the overlays hear of each other.</summary>
    public static readonly TimeSpan Round = TimeSpan.FromSeconds(5);

    /// <summary>Overlays greeted at once: those that are cut off must not keep the others waiting.</summary>
    private const int GreetingsMax = 16;

    /// <summary>Pages of residents that an overlay takes over in a round; more follow in the next.</summary>
    private const int PagesMax = 20;

    private OverlaysOptions Options => options.CurrentValue;

    private IPlacementHomeGrain Home => grains.GetGrain<IPlacementHomeGrain>(Options.Region);

    /// <summary>One round: the home greets all others, any other greets the home and reports what it owes.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        var home = await Home.Home();
        if (!home.IsHere)
        {
            await ReportAsync(home, cancellationToken);
            return;
        }

        // A home of an earlier epoch hears here that it is none any more; nobody needs to be told before the first promotion.
        await Parallel.ForEachAsync(
            home.Epoch > 0 ? Options.Members.Keys.Where(name => name != Options.Local) : [],
            new ParallelOptions { MaxDegreeOfParallelism = GreetingsMax, CancellationToken = cancellationToken },
            (overlay, token) => GreetAsync(overlay, home, token));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => link is NoPlacementLink || Options.Members.Count < 2
        ? Task.CompletedTask
        : loops.RunAsync("home keeper", Round, isDueAtOnce: false, KeepAsync, stoppingToken);

    private async Task ReportAsync(RegionHome home, CancellationToken cancellationToken)
    {
        LinkReply reply;
        var asked = 0;
        do
        {
            reply = await link.AskAsync(home.Home, await Home.NextHello(), Options.HomePatience, cancellationToken);
            await Home.Heard(reply);
        }
        while (reply.Residents is not null && ++asked < PagesMax);

        if (!reply.IsHome || !(await Home.Home()).OwesReport)
        {
            return;
        }

        for (var after = ""; ;)
        {
            var page = await Home.NextReport(after);
            var taken = await link.AskAsync(home.Home, page, Options.HomePatience * 5, cancellationToken);
            if (!taken.IsHome)
            {
                await Home.Heard(taken);
                return;
            }

            if (page.IsLast)
            {
                await Home.Reported(page.Epoch);
                LogReported(Options.Local, home.Home);
                return;
            }

            after = page.Next;
        }
    }

    private async ValueTask GreetAsync(string overlay, RegionHome home, CancellationToken cancellationToken)
    {
        try
        {
            var hello = new LinkRequest(LinkVerb.Hello, Options.Region, Options.Local, home.Home, home.Epoch);
            await Home.Heard(await link.AskAsync(overlay, hello, Options.HomePatience, cancellationToken));
        }
        catch (PlacementHomeLostException)
        {
            // It is cut off, or has no placement of its own: it hears when it asks.
        }
    }

    [LoggerMessage(LogLevel.Information, "{Overlay} has reported its nodes to {Home}")]
    private partial void LogReported(string overlay, string home);
}
