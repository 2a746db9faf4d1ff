namespace ControlPlane.Placement;

/// <summary>Reaches the placement of another overlay of the region.</summary>
/// <remarks>Thread-safe. One request, one reply, one deadline; a late reply is dropped.</remarks>
public interface IPlacementLink
{
    /// <summary>Asks the placement in an overlay. Repeatable, as all that can be asked is.</summary>
    /// <exception cref="LeaderUnreachableException">It did not answer in time, or cannot be reached at all.</exception>
    Task<LinkReply> AskAsync(string overlay, LinkRequest request, TimeSpan patience, CancellationToken cancellationToken);
}

/// <summary>The overlay that was asked did not answer: what it did is unknown.</summary>
public sealed class LeaderUnreachableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>For a region that is served by one cluster: there is nobody to ask.</summary>
internal sealed class NoPlacementLink : IPlacementLink
{
    public Task<LinkReply> AskAsync(string overlay, LinkRequest request, TimeSpan patience, CancellationToken cancellationToken) =>
        Task.FromException<LinkReply>(new LeaderUnreachableException($"this silo has no way to ask {overlay}"));
}
