using System.Collections.Concurrent;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>The lifecycles of a cluster's silos, to end those whose start failed.</summary>
/// <remarks>
/// Orleans 10.4 stops nothing of a silo that did not start, and its grain directory then reads memberships in a loop without a pause: one
/// such silo takes a core from all tests that come after it.
/// </remarks>
internal sealed class SiloLifecycles : ILifecycleParticipant<ISiloLifecycle>
{
    private readonly ConcurrentBag<ILifecycleObserver> lifecycles = [];

    public void Participate(ISiloLifecycle observer) => lifecycles.Add((ILifecycleObserver)observer);

    /// <summary>Stops every stage that had begun.</summary>
    public Task StopAsync() => Task.WhenAll(lifecycles.Select(lifecycle => lifecycle.OnStop(CancellationToken.None)));
}
