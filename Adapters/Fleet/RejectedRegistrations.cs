using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Tells once of each node that what it registers cannot be kept, and again after it could. Thread-safe.</summary>
internal sealed partial class RejectedRegistrations(ILogger<RejectedRegistrations> logger)
{
    /// <summary>Nodes that are remembered; of more, only the metric tells.</summary>
    private const int NodesMax = 1_000;

    private readonly ConcurrentDictionary<string, byte> told = new(StringComparer.Ordinal);

    public void Tell(string node, string fault)
    {
        if (told.Count < NodesMax && told.TryAdd(node, 0))
        {
            LogUnkept(node, fault);
        }
    }

    /// <summary>What the node registers can be kept (again).</summary>
    public void Forget(string node)
    {
        if (!told.IsEmpty)
        {
            told.TryRemove(node, out _);
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "{Node} is heard, but what it registers is not kept: {Fault}; correct its registration plugin (plugin.choria.registration) or facts file")]
    private partial void LogUnkept(string node, string fault);
}
