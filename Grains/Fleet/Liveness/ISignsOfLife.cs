
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Signs of life that were delivered before, as the brokers still hold them.</summary>
public interface ISignsOfLife
{
    /// <summary>
    /// The signs of life of a partition's nodes that brokers have stored since an instant, oldest first. Null when they cannot be had, or
    /// are too many to be read: then nobody knows who was heard. Registrations come without what they say.
    /// </summary>
    /// <param name="partition">The partition's key.</param>
    /// <param name="since">By our clock: somewhat earlier is read, since brokers have their own.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<IReadOnlyList<FleetEvent>?> SinceAsync(string partition, DateTimeOffset since, CancellationToken cancellationToken);
}
