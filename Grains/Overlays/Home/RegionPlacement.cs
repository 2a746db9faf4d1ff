using Microsoft.Extensions.Options;

namespace ControlPlane.Overlays;

/// <summary>The region's placement as an enrolment sees it, wherever its home is.</summary>
/// <remarks>
/// At the home each call is one to the grain. Elsewhere the home is asked over the link; what it decides is noted here before the node is
/// told, so that this overlay can go on alone as the policy allows, and can tell the next home. Safe for concurrent use: what it remembers
/// of the home is only a shortcut, since the grain itself refuses when it is not the home (any more).
/// </remarks>
internal sealed class RegionPlacement(
    IGrainFactory grains, IPlacementLink link, IOptionsMonitor<OverlaysOptions> options, TimeProvider time)
{
    /// <summary>For how long it is believed that the home is where it was.</summary>
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private volatile Known? known;

    private OverlaysOptions Options => options.CurrentValue;

    private IOverlayPlacementGrain Ledger => grains.GetGrain<IOverlayPlacementGrain>(Options.Region);

    private IPlacementHomeGrain Home => grains.GetGrain<IPlacementHomeGrain>(Options.Region);

    /// <summary>Safe to repeat, as <see cref="IOverlayPlacementGrain.Place"/>.</summary>
    public async Task<PlacementOutcome> PlaceAsync(PlacementRequest request, CancellationToken cancellationToken)
    {
        try
        {
            if (await AskAsync(home => Request(LinkVerb.Place, home) with { Place = request }, cancellationToken) is not { } reply)
            {
                return await Ledger.Place(request);
            }

            if (reply.Placed is not null)
            {
                await Home.NotePlace(request, reply);
            }

            return OutcomeOf(reply);
        }
        catch (PlacementHomeLostException lost)
        {
            return await Home.PlaceAlone(request, lost.Message);
        }
        catch (PlacementNotHomeException moved)
        {
            known = null;
            return new PlacementOutcome.Deferred(moved.Message, TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>Safe to repeat, as <see cref="IOverlayPlacementGrain.Confirm"/>.</summary>
    /// <exception cref="PlacementLapsedException">The node has no place.</exception>
    public async Task ConfirmAsync(string identity, int attempt, string? overlay, CancellationToken cancellationToken)
    {
        LinkRequest Confirm(RegionHome home) => Request(LinkVerb.Confirm, home) with { Identity = identity, Attempt = attempt };
        try
        {
            if (await AskAsync(Confirm, cancellationToken) is not { } reply)
            {
                await Ledger.Confirm(identity, attempt);
                return;
            }

            if (reply.Lapsed)
            {
                throw new PlacementLapsedException(reply.Reason);
            }

            await Home.NoteArrived(identity, attempt, reply);
        }
        catch (PlacementHomeLostException) when (overlay == Options.Local)
        {
            // It lives here, which is reported when the home is back. What is not known here is asked again with the next sign of life.
            if (!await Home.ConfirmAlone(identity, attempt))
            {
                throw;
            }
        }
        catch (PlacementNotHomeException)
        {
            known = null;
            throw;
        }
    }

    /// <summary>Safe to repeat, as <see cref="IOverlayPlacementGrain.Release"/>.</summary>
    public async Task ReleaseAsync(string identity, int attempt, CancellationToken cancellationToken)
    {
        LinkRequest Release(RegionHome home) => Request(LinkVerb.Release, home) with { Identity = identity, Attempt = attempt };
        try
        {
            await AskAsync(Release, cancellationToken);
        }
        catch (PlacementHomeLostException)
        {
            // The place returns by itself when its lease ends.
        }

        await Ledger.Release(identity, attempt);
    }

    /// <summary>Safe to repeat, as <see cref="IOverlayPlacementGrain.Forget"/>: until it returns, the place may still be held.</summary>
    /// <exception cref="PlacementHomeLostException">The home did not answer.</exception>
    /// <exception cref="PlacementNotHomeException">The home has just changed.</exception>
    public async Task ForgetAsync(string identity, CancellationToken cancellationToken)
    {
        try
        {
            if (await AskAsync(home => Request(LinkVerb.Forget, home) with { Identity = identity }, cancellationToken) is not { } reply)
            {
                await Ledger.Forget(identity);
                return;
            }

            // After the home: what is remembered here may be all that is left of the node when another overlay is promoted.
            await Home.NoteGone(identity, reply);
        }
        catch (PlacementNotHomeException)
        {
            known = null;
            throw;
        }
    }

    // Null when the home is here. Asked twice at most: the first answer may be that the home is elsewhere now.
    private async Task<LinkReply?> AskAsync(Func<RegionHome, LinkRequest> request, CancellationToken cancellationToken)
    {
        for (var isSecond = false; ; isSecond = true)
        {
            var home = await HomeAsync();
            if (home.IsHere)
            {
                return null;
            }

            if (await AskAsync(home, request(home), cancellationToken) is not { } reply)
            {
                continue;
            }

            if (reply.IsHome)
            {
                return reply;
            }

            await Home.Heard(reply);
            known = null;
            if (isSecond)
            {
                throw new PlacementHomeLostException($"{home.Home} is not the region's home, and names {reply.Home}");
            }
        }
    }

    // Null when it is silent and the home no more: another overlay was promoted since this silo last asked its own grain.
    private async Task<LinkReply?> AskAsync(RegionHome home, LinkRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await link.AskAsync(home.Home, request, Options.HomePatience, cancellationToken);
        }
        catch (PlacementHomeLostException)
        {
            known = null;
            if ((await HomeAsync()).Epoch == home.Epoch)
            {
                throw;
            }

            return null;
        }
    }

    private async Task<RegionHome> HomeAsync()
    {
        if (known is { } recent && time.GetElapsedTime(recent.At) < Believed)
        {
            return recent.Home;
        }

        var home = await Home.Home();
        known = new Known(home, time.GetTimestamp());
        return home;
    }

    private LinkRequest Request(LinkVerb verb, RegionHome home) => new(verb, Options.Region, Options.Local, home.Home, home.Epoch);

    private static PlacementOutcome OutcomeOf(LinkReply reply) => reply switch
    {
        { Placed: { } overlay } => new PlacementOutcome.Placed(overlay, reply.Reason, reply.LeaseUntil),
        { RetryAfter: { } wait } => new PlacementOutcome.Deferred(reply.Reason, wait),
        _ => new PlacementOutcome.Refused(reply.Reason),
    };

    private sealed record Known(RegionHome Home, long At);
}
