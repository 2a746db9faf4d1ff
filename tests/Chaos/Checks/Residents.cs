namespace ControlPlane.Chaos;

/// <summary>Who lives in which overlay, as the overlays' own histories have it: applied one operation after the other.</summary>
/// <remarks>
/// A node is in an overlay when that has said so, and is no more as soon as it is asked to free the place: an answer that never came may
/// hide that it did. So whoever is found in two places, or one too many, really was.
/// </remarks>
internal sealed class Residents
{
    private const string Confirm = "IOverlayPlacementGrain.Confirm";
    private const string LetIn = "IOverlayPlacementGrain.LetIn";
    private const string Remove = "IOverlayPlacementGrain.Remove";

    private readonly Dictionary<string, HashSet<string>> overlays = new(StringComparer.Ordinal);

    /// <summary>Each node that lives somewhere, and where.</summary>
    public IEnumerable<(string Node, IReadOnlyList<string> Overlays)> All =>
        from overlay in overlays
        from node in overlay.Value
        group overlay.Key by node into places
        select (places.Key, (IReadOnlyList<string>)[.. places.Order(StringComparer.Ordinal)]);

    public int In(string overlay) => overlays.GetValueOrDefault(overlay)?.Count ?? 0;

    /// <summary>Whether an overlay said that a node lives there from now on, or did already.</summary>
    public static bool IsLetIn(Operation operation) => operation.Phase == OperationPhase.Ok
        && (operation.Name, operation.Fact("outcome"), operation.Fact("refusal")) is (Confirm, "Lives", _) or (LetIn, _, "");

    /// <summary>The overlay that a call was to, from its key: <c>region/overlay</c>.</summary>
    public static string OverlayOf(Operation operation) => operation.Key[(operation.Key.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>Whether an overlay is asked to let a node in.</summary>
    public static bool IsArrival(Operation operation) => operation.Name is Confirm or LetIn;

    /// <returns>The overlay that has one more by that.</returns>
    public string? Apply(Operation operation)
    {
        var overlay = OverlayOf(operation);
        if (operation.Name == Remove)
        {
            overlays.GetValueOrDefault(overlay)?.Remove(operation.Fact("node"));
            return null;
        }

        if (!IsLetIn(operation))
        {
            return null;
        }

        if (!overlays.TryGetValue(overlay, out var nodes))
        {
            overlays[overlay] = nodes = new HashSet<string>(StringComparer.Ordinal);
        }

        return nodes.Add(operation.Fact("node")) ? overlay : null;
    }
}
