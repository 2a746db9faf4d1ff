using Orleans.Concurrency;

namespace ControlPlane.Access;

/// <remarks>Any number may be active: all that it says is in the parts of the register.</remarks>
[GrainType("choria-tokens"), StatelessWorker, Reentrant]
internal sealed class ChoriaTokensGrain : Grain, IChoriaTokensGrain
{
    public async Task<ChoriaTokenPage> List(ChoriaTokenPlace? after, int limit)
    {
        var wanted = Math.Clamp(limit, 1, IChoriaTokensGrain.PageMax);
        var found = new List<ChoriaUserToken>();
        for (var shard = Math.Max(0, after?.Shard ?? 0); shard < ChoriaTokens.Shards; shard++)
        {
            found.AddRange(await Shard(shard).List(shard == after?.Shard ? after.Id : null, wanted - found.Count));
            if (found.Count == wanted)
            {
                return new ChoriaTokenPage(found, new ChoriaTokenPlace(shard, found[^1].Id));
            }
        }

        return new ChoriaTokenPage(found, null);
    }

    // Ids say nothing of their callers, so all parts are asked.
    public async Task<ChoriaUserToken?> Revoke(string id, string reason) =>
        (await Task.WhenAll(Enumerable.Range(0, ChoriaTokens.Shards).Select(shard => Shard(shard).Revoke(id, reason))))
            .FirstOrDefault(token => token is not null);

    private IChoriaTokenShardGrain Shard(int shard) => GrainFactory.GetGrain<IChoriaTokenShardGrain>(shard);
}
