using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Where the identities of nodes enter from streams: an event of a name that no node may have goes no further.</summary>
internal static class StreamIdentities
{
    /// <summary>The event; poison when it names what cannot be a node, so that an operator sees it and the fleet does not.</summary>
    public static DecodedMessage Event(FleetEvent heard) => NodeIdentity.IsValid(heard.Identity)
        ? DecodedMessage.Event(heard.Identity, heard)
        : DecodedMessage.Poison($"it names a node that there cannot be: {NodeIdentity.Rule}");

    /// <summary>The event, or null when it names what cannot be a node.</summary>
    public static FleetEvent? OrNull(FleetEvent? heard) => NodeIdentity.IsValid(heard?.Identity) ? heard : null;
}
