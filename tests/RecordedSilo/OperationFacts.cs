using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;

namespace ControlPlane.RecordedSilo;

/// <summary>
/// Which calls between our own grains change state, and what of their arguments and results the checker needs. Never a key, a token or a
/// request. What operators call is in the record of calls, and not here. Pure.
/// </summary>
internal static class OperationFacts
{
    /// <summary>What a call asks for; null when it changes nothing that is checked.</summary>
    /// <param name="interfaceName">The grain interface's name without its namespace.</param>
    /// <param name="method">The method.</param>
    /// <param name="arguments">Its arguments.</param>
    public static IReadOnlyDictionary<string, string>? OfCall(string interfaceName, string method, IReadOnlyList<object?> arguments) =>
        (interfaceName, method, arguments) switch
        {
            (nameof(IInternalFleetSliceGrain), nameof(IInternalFleetSliceGrain.Observe), [IReadOnlyList<FleetEvent> heard]) => Facts(
                ("events", string.Join(' ', heard.Where(one => one.IsOfLifecycle).Select(NameOf)))),
            (nameof(IInternalNodeGrain), nameof(IInternalNodeGrain.TakeStep), _) => Facts(),
            (nameof(INodeSliceGrain), nameof(INodeSliceGrain.Adopt), [string adopted, Adoption adoption]) =>
                Facts(("node", adopted), ("overlay", adoption.Overlay)),
            (nameof(IInternalNodeGrain), nameof(IInternalNodeGrain.MoveAway), [string from, string to]) =>
                Facts(("from", from), ("to", to)),
            (nameof(IInternalPlacementGrain), nameof(IInternalPlacementGrain.Place), [PlacementRequest placed]) =>
                Facts(("node", placed.Identity)),
            (
                nameof(IOverlayPlacementGrain),
                nameof(IOverlayPlacementGrain.Confirm) or nameof(IOverlayPlacementGrain.LetIn) or nameof(IOverlayPlacementGrain.Release)
                    or nameof(IOverlayPlacementGrain.Remove),
                [string node, ..]) => Facts(("node", node)),
            (nameof(ICertificateIssuanceGrain), nameof(ICertificateIssuanceGrain.Issue), [CertificateOrderRequest order, ..]) =>
                Facts(("order", order.OrderId), ("node", order.Identity)),
            (nameof(ICertificateIssuanceGrain), nameof(ICertificateIssuanceGrain.Close), [string order, RevocationReason reason, ..]) =>
                Facts(("order", order), ("reason", reason.ToString())),
            _ => null,
        };

    /// <summary>What came of it.</summary>
    public static IReadOnlyDictionary<string, string> OfResult(object? result) => result switch
    {
        PlacementOutcome.Placed placed => Facts(("overlay", placed.Overlay)),
        Confirmation confirmed => Facts(("outcome", confirmed.ToString())),
        IssuanceOutcome.Issued issued => Facts(
            ("serial", issued.Certificate.SerialNumber), ("publicKey", issued.Certificate.PublicKeyFingerprint)),
        string refusal => Facts(("refusal", refusal)),
        PlacementOutcome or IssuanceOutcome => Facts(("outcome", result.GetType().Name)),
        _ => Facts(),
    };

    private static string NameOf(FleetEvent heard) => EventCheck.NameOf(heard.Network, heard.Sequence, heard.Identity);

    private static Dictionary<string, string> Facts(params (string Name, string Value)[] facts) =>
        facts.ToDictionary(fact => fact.Name, fact => fact.Value, StringComparer.Ordinal);
}
