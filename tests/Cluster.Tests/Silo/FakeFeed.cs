using System.Collections.Concurrent;
using System.Threading.Channels;
using ControlPlane.Fleet;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>A feed that says what a test tells it to, whatever it is asked for.</summary>
internal sealed class FakeFeed : INodeChangeFeed
{
    private readonly Channel<FeedRead> reads = Channel.CreateUnbounded<FeedRead>();

    /// <summary>The positions that were asked for.</summary>
    public ConcurrentQueue<ulong?> Asked { get; } = new();

    public void Say(FeedRead read) => reads.Writer.TryWrite(read);

    public async ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken)
    {
        Asked.Enqueue(after);
        return await reads.Reader.ReadAsync(cancellationToken);
    }
}
