using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>The region's placement as an enrolment sees it, wherever its leader is.</summary>
/// <remarks>
/// At the leader each call is one to the grain. Elsewhere the leader is asked over the link; what it decides is noted here before the node
/// is told, so that this overlay can go on alone as the policy allows, and can tell the next leader. Safe for concurrent use: what it
/// remembers of the leader is only a shortcut, since the grain itself refuses when it is not the leader (any more).
/// </remarks>
internal sealed class PlacementClient(
    IGrainFactory grains, IPlacementLink link, IOptionsMonitor<OverlaysOptions> options, TimeProvider time)
{
    /// <summary>For how long it is believed that the leader is where it was.</summary>
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private volatile Known? known;

    private OverlaysOptions Options => options.CurrentValue;

    private IInternalPlacementGrain Ledger => grains.GetGrain<IInternalPlacementGrain>(Options.Region);

    private IInternalPlacementGrain Leader => grains.GetGrain<IInternalPlacementGrain>(Options.Region);

    /// <summary>Safe to repeat, as <see cref="IRegionPlacementGrain.Place"/>.</summary>
    public async Task<PlacementOutcome> PlaceAsync(PlacementRequest request, CancellationToken cancellationToken)
    {
        try
        {
            if (await AskAsync(leader => Request(LinkVerb.Place, leader) with { Place = request }, cancellationToken) is not { } reply)
            {
                return await Ledger.Place(request);
            }

            if (reply.Placed is not null)
            {
                await Leader.NotePlace(request, reply);
            }

            return OutcomeOf(reply);
        }
        catch (LeaderUnreachableException lost)
        {
            return await Leader.PlaceAlone(request, lost.Message);
        }
        catch (NotRegionLeaderException moved)
        {
            known = null;
            return new PlacementOutcome.Deferred(moved.Message, TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>Safe to repeat, as <see cref="IRegionPlacementGrain.Confirm"/>.</summary>
    /// <exception cref="PlacementLapsedException">The node has no place.</exception>
    public async Task ConfirmAsync(string identity, int attempt, string? overlay, CancellationToken cancellationToken)
    {
        LinkRequest Confirm(RegionLeader leader) => Request(LinkVerb.Confirm, leader) with { Identity = identity, Attempt = attempt };
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

            await Leader.NoteArrived(identity, attempt, reply);
        }
        catch (LeaderUnreachableException) when (overlay == Options.Local)
        {
            // It lives here, which is reported when the leader is back. What is not known here is asked again with the next sign of life.
            if (!await Leader.ConfirmAlone(identity, attempt))
            {
                throw;
            }
        }
        catch (NotRegionLeaderException)
        {
            known = null;
            throw;
        }
    }

    /// <summary>Safe to repeat, as <see cref="IRegionPlacementGrain.Release"/>.</summary>
    public async Task ReleaseAsync(string identity, int attempt, CancellationToken cancellationToken)
    {
        LinkRequest Release(RegionLeader leader) => Request(LinkVerb.Release, leader) with { Identity = identity, Attempt = attempt };
        try
        {
            await AskAsync(Release, cancellationToken);
        }
        catch (LeaderUnreachableException)
        {
            // The place returns by itself when its lease ends.
        }

        await Ledger.Release(identity, attempt);
    }

    /// <summary>Safe to repeat, as <see cref="IRegionPlacementGrain.Forget"/>: until it returns, the place may still be held.</summary>
    /// <exception cref="LeaderUnreachableException">The leader did not answer.</exception>
    /// <exception cref="NotRegionLeaderException">The leader has just changed.</exception>
    public async Task ForgetAsync(string identity, CancellationToken cancellationToken)
    {
        try
        {
            if (await AskAsync(leader => Request(LinkVerb.Forget, leader) with { Identity = identity }, cancellationToken) is not { } reply)
            {
                await Ledger.Forget(identity);
                return;
            }

            // After the leader: what is remembered here may be all that is left of the node when another overlay is promoted.
            await Leader.NoteGone(identity, reply);
        }
        catch (NotRegionLeaderException)
        {
            known = null;
            throw;
        }
    }

    // Null when the leader is here. Asked twice at most: the first answer may be that the leader is elsewhere now.
    private async Task<LinkReply?> AskAsync(Func<RegionLeader, LinkRequest> request, CancellationToken cancellationToken)
    {
        for (var isSecond = false; ; isSecond = true)
        {
            var leader = await LeaderAsync();
            if (leader.IsHere)
            {
                return null;
            }

            if (await AskAsync(leader, request(leader), cancellationToken) is not { } reply)
            {
                continue;
            }

            if (reply.IsLeader)
            {
                return reply;
            }

            await Leader.Heard(reply);
            known = null;
            if (isSecond)
            {
                throw new LeaderUnreachableException($"{leader.Leader} is not the region's leader, and names {reply.Leader}");
            }
        }
    }

    // Null when it is silent and the leader no more: another overlay was promoted since this silo last asked its own grain.
    private async Task<LinkReply?> AskAsync(RegionLeader leader, LinkRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await link.AskAsync(leader.Leader, request, Options.LeaderPatience, cancellationToken);
        }
        catch (LeaderUnreachableException)
        {
            known = null;
            if ((await LeaderAsync()).Epoch == leader.Epoch)
            {
                throw;
            }

            return null;
        }
    }

    private async Task<RegionLeader> LeaderAsync()
    {
        if (known is { } recent && time.GetElapsedTime(recent.At) < Believed)
        {
            return recent.Home;
        }

        var leader = await Leader.Get();
        known = new Known(leader, time.GetTimestamp());
        return leader;
    }

    private LinkRequest Request(LinkVerb verb, RegionLeader leader) =>
        new(verb, Options.Region, Options.Local, leader.Leader, leader.Epoch);

    private static PlacementOutcome OutcomeOf(LinkReply reply) => reply switch
    {
        { Placed: { } overlay } => new PlacementOutcome.Placed(overlay, reply.Reason, reply.LeaseUntil),
        { RetryAfter: { } wait } => new PlacementOutcome.Deferred(reply.Reason, wait),
        _ => new PlacementOutcome.Refused(reply.Reason),
    };

    private sealed record Known(RegionLeader Home, long At);
}
