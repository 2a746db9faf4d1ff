using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Whose signature a node's reply must bear, by network and protocol.</summary>
/// <remarks>
/// Nodes never sign in provisioning mode nor in protocol v1. In their overlay nodes of protocol v2 sign with the key that their server
/// token names, unless <c>plugin.security.choria.sign_replies</c> says otherwise.
/// </remarks>
internal sealed class ReplyTrust(IOptions<FleetOptions> fleet, IOptions<ProvisioningOptions> provisioning)
{
    private readonly TokenTrust? overlays = fleet.Value.RequireSignedReplies
        ? TokenTrust.InOrganizations(provisioning.Value.Issuers).Remembering()
        : null;

    /// <summary>The key that signed a reply that was believed; null where replies bear no signature.</summary>
    public string? KeyOf(ReceivedReply believed, string network) =>
        Of(network, believed.Reply.Protocol) is not null
        && believed.Proof is { SenderToken: var token }
        && ChoriaToken.TryReadUnverified(token, out ServerClaims? node, out _)
            ? node.PublicKey?.ToLowerInvariant()
            : null;

    /// <summary>Whose server tokens are believed; null where replies bear no signature.</summary>
    public TokenTrust? Of(string network, ChoriaProtocol protocol) =>
        network == FleetStreams.ProvisioningNetwork || protocol == ChoriaProtocol.V1 ? null : overlays;
}
