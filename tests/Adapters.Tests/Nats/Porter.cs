using System.Collections.Concurrent;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What the grains of the README's sample tell.</summary>
internal sealed class Porter
{
    public ConcurrentQueue<object> Heard { get; } = [];

    public Task HearAsync(object heard)
    {
        foreach (var one in heard as IEnumerable<object> ?? [heard])
        {
            Heard.Enqueue(one);
        }

        return Task.CompletedTask;
    }
}
