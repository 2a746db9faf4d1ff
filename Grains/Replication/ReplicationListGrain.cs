using Orleans.Concurrency;

namespace ControlPlane.Replication;

[GrainType("replication-list"), StatelessWorker]
internal sealed class ReplicationListGrain(IStreamReplication replication) : Grain, IReplicationListGrain
{
    public async Task<IReadOnlyList<ReplicationSnapshot>> List()
    {
        var links = await Task.WhenAll(replication.Links.Select(link => GrainFactory.GetReplication(link.Name).Get()));
        return [.. links.OfType<ReplicationSnapshot>().OrderBy(link => link.Name, StringComparer.Ordinal)];
    }
}
