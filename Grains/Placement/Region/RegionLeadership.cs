using ControlPlane.Placement.Plans;

namespace ControlPlane.Placement;

/// <summary>Which overlay leads the region: the one that is configured, until another is promoted in a later epoch.</summary>
internal sealed class RegionLeadership(StoredRegion history, PlanHandover plans)
{
    private RegionState Ledger => history.Ledger;

    // Before the first promotion the configuration says who it is.
    private PlacementChange.LeaderSet Now => Ledger.Leader is { Leader.Epoch: > 0 } promoted
        ? promoted
        : new PlacementChange.LeaderSet(
            new LeaderEpoch(history.Options.Leader ?? history.Options.Local, 0), "", "", DateTimeOffset.UnixEpoch);

    public LeaderEpoch Epoch => Now.Leader;

    /// <summary>The site that leads.</summary>
    public string Site => history.Options.ServedBy(Epoch.Name);

    public bool IsHere => history.Options.Serves(Epoch.Name);

    public RegionLeader View => new(Epoch.Name, Epoch.Epoch, IsHere, Now.Actor, Now.Reason, Now.At, Ledger.Policy.Version);

    /// <exception cref="NotRegionLeaderException">Another overlay decides.</exception>
    public void EnsureHere()
    {
        if (!IsHere)
        {
            throw new NotRegionLeaderException($"the region's placement is in {Epoch.Name} (epoch {Epoch.Epoch})");
        }
    }

    /// <summary>This site's overlay leads from now on: the overlays refuse who led before as soon as they hear of it.</summary>
    /// <returns>Whether it did not before.</returns>
    public async Task<bool> PromoteAsync(string actor, string reason)
    {
        if (IsHere)
        {
            await history.Written;
            return false;
        }

        plans.End($"{Epoch.Name} was the leader meanwhile");
        plans.TakeOver(Epoch.Name);
        await history.Record(new PlacementChange.LeaderSet(
            new LeaderEpoch(history.Options.Local, Epoch.Epoch + 1), actor, reason, history.Now));
        return true;
    }

    /// <summary>
    /// Somebody names a leader. A later epoch holds whoever tells of it, as long as its leader is an overlay of this region.
    /// </summary>
    public async Task HearAsync(LeaderEpoch other)
    {
        if (Epoch.IsOlderThan(other) && history.Options.Members.ContainsKey(other.Name))
        {
            // The plans first: if this grain ends in between, it is still the leader, of plans that are over.
            plans.End($"{other.Name} is the leader since epoch {other.Epoch}");
            plans.Hear([]);
            _ = history.Record(new PlacementChange.LeaderSet(other, "", $"heard of epoch {other.Epoch}", history.Now));
        }

        await history.Written;
    }
}
