using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Replication;

namespace ControlPlane.Cluster.Tests.Replication;

/// <summary>Links without a cluster: what the API asks of them, answered from memory.</summary>
internal sealed class FakeReplication
{
    private readonly SortedDictionary<string, ReplicationSnapshot> links = new(StringComparer.Ordinal);

    /// <summary>What the next comparison says.</summary>
    public ReplicationVerification Verification { get; set; } = new(1, 100, 100, 100, 0, []);

    public ReplicationSnapshot Add(string name) => links[name] = new ReplicationSnapshot(
        name, "EVENTS at this site", "COPY at nats://centre:4222", ReplicationState.Copying, Reason: null, DateTimeOffset.UnixEpoch)
    {
        Progress = new ReplicationProgress(41, 2, DateTimeOffset.UnixEpoch, 0.75, 40, 4_000, 1, DateTimeOffset.UnixEpoch),
    };

    public object List() => Stand.In<IReplicationListGrain>(new()
    {
        [nameof(IReplicationListGrain.List)] = _ => Task.FromResult<IReadOnlyList<ReplicationSnapshot>>([.. links.Values]),
    });

    public object Grain(string name) => Stand.In<IReplicationGrain>(new()
    {
        [nameof(IReplicationGrain.Get)] = _ => Task.FromResult(links.GetValueOrDefault(name)),
        [nameof(IReplicationGrain.Pause)] = arguments =>
            Change(name, link => link with { State = ReplicationState.Paused, Reason = $"{arguments[0]}" }),
        [nameof(IReplicationGrain.Resume)] = _ =>
            Change(name, link => link with { State = ReplicationState.Starting, Reason = null }),
        [nameof(IReplicationGrain.Verify)] = _ => Task.FromResult(links.ContainsKey(name) ? Verification : null),
    });

    private Task<ReplicationSnapshot?> Change(string name, Func<ReplicationSnapshot, ReplicationSnapshot> change)
    {
        if (links.TryGetValue(name, out var link))
        {
            links[name] = change(link);
        }

        return Task.FromResult(links.GetValueOrDefault(name));
    }
}
