using System.Collections.Frozen;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Reads Choria's lifecycle events. The name of the source is the name of the network, unless the event says otherwise.</summary>
internal sealed class LifecycleDecoder(FleetOptions fleet, OverlaysOptions overlays) : IJetStreamDecoder
{
    // Whose unprovisioned nodes these silos take up: none without a network to call them on. Those of another broker cannot be called from
    // here, and a node that is only heard of must not pass for one that these silos keep.
    private readonly FrozenSet<string> provisioningSources = fleet.Provisioning is not { Urls: var brokers }
        ? FrozenSet<string>.Empty
        : fleet.Overlays
            .Where(overlay => overlay.Value.Urls.Intersect(brokers, StringComparer.OrdinalIgnoreCase).Any())
            .Select(overlay => overlay.Key)
            .Append(overlays.Local)
            .Append(FleetStreams.ProvisioningNetwork)
            .ToFrozenSet(StringComparer.Ordinal);

    public DecodedMessage Decode(in JetStreamMessage message)
    {
        if (!LifecycleEvent.TryDecode(message.Payload.Span, out var decoded, out var fault))
        {
            return DecodedMessage.Poison($"not a lifecycle event: {fault}");
        }

        // Governors and the provisioner itself speak on the same subjects; they are not nodes.
        return KindOf(decoded) is { } kind && IsOurs(decoded, message.Source)
            ? StreamIdentities.Event(
                new FleetEvent(
                    decoded.Identity,
                    kind,
                    decoded.Component,
                    decoded.Version,
                    decoded.Time,
                    message.StoredAt,
                    NetworkOf(decoded, message.Source),
                    message.Sequence,
                    decoded.Id))
            : DecodedMessage.Ignore;
    }

    // A Choria broker brings the events of unprovisioned nodes to the stream of its overlay.
    private static string NetworkOf(LifecycleEvent decoded, string source) =>
        decoded.Component == ChoriaSubjects.ProvisioningComponent ? FleetStreams.ProvisioningNetwork : source;

    private bool IsOurs(LifecycleEvent decoded, string source) =>
        decoded.Component != ChoriaSubjects.ProvisioningComponent || provisioningSources.Contains(source);

    private static FleetEventKind? KindOf(LifecycleEvent decoded) =>
        decoded.Component is not (ChoriaSubjects.ServerComponent or ChoriaSubjects.ProvisioningComponent) ? null : decoded.Kind switch
        {
            LifecycleKind.Startup => FleetEventKind.Startup,
            LifecycleKind.Shutdown => FleetEventKind.Shutdown,
            LifecycleKind.Provisioned => FleetEventKind.Provisioned,
            LifecycleKind.Alive => FleetEventKind.Alive,
            LifecycleKind.Upgraded => FleetEventKind.Upgraded,
            _ => null,
        };
}
