using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.Fleet;

/// <summary>Publishes batches of changes so that one change which cannot be published does not keep back the others.</summary>
internal sealed class ChangePublication([FromKeyedServices(Logs.Changes)] ILog log, Serializer serializer)
{
    /// <summary>Publishes in one record, or in smaller ones where that cannot be.</summary>
    /// <param name="slice">Whose changes they are.</param>
    /// <param name="changes">At least one; halved until what cannot be published stands alone.</param>
    /// <param name="leftOut">Told of a change that cannot be published, and why. The next change of its node is tried again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreUnavailableException">The broker is away: all is to be published again.</exception>
    public async Task PublishAsync(
        string slice, IReadOnlyList<NodeChange> changes, Action<NodeChange, Exception> leftOut, CancellationToken cancellationToken)
    {
        try
        {
            var content = serializer.SerializeToArray(changes.ToArray());
            await log.AppendAsync(
                new LogRecord(slice, Id: null, content), expected: null, cancellationToken);
        }
        catch (Exception fault) when (fault is not StoreUnavailableException && !cancellationToken.IsCancellationRequested)
        {
            if (changes.Count == 1)
            {
                leftOut(changes[0], fault);
                return;
            }

            var half = changes.Count / 2;
            await PublishAsync(slice, [.. changes.Take(half)], leftOut, cancellationToken);
            await PublishAsync(slice, [.. changes.Skip(half)], leftOut, cancellationToken);
        }
    }
}
