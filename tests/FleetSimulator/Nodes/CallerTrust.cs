using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Whom a provisioned node believes: callers of its CA in V1, callers of its issuers in V2.</summary>
internal static class CallerTrust
{
    public static bool Accepts(ReceivedRequest received, NodeView node) => received.Request.Protocol == ChoriaProtocol.V1
        ? node.Files.Authorities is { } authorities && CertificateCallers.Accepts(received, authorities, node.Now)
        : node.Files.Configuration is { } configuration && AcceptsToken(received, configuration, node.Now);

    private static bool AcceptsToken(ReceivedRequest received, NodeConfiguration configuration, DateTimeOffset now)
    {
        var proof = received.Proof;
        if (TrustOf(configuration) is not { } trust || !trust.TryVerify(proof.CallerCredential, now, out ClientClaims? caller, out _))
        {
            return false;
        }

        var mayManage = caller.Permissions?.FleetManagement == true;
        var mayManageSigned = caller.Permissions?.SignedFleetManagement == true;
        if (proof.SignerToken is { } signerToken)
        {
            return trust.TryVerify(signerToken, now, out ClientClaims? signer, out _)
                && signer.Permissions?.AuthenticationDelegator == true
                && (mayManage || mayManageSigned)
                && IsSignedBy(proof, signer);
        }

        return mayManage && !mayManageSigned && received.Request.Caller == caller.CallerId && IsSignedBy(proof, caller);
    }

    private static TokenTrust? TrustOf(NodeConfiguration configuration)
    {
        try
        {
            return TokenTrust.InOrganizations(
                configuration.Issuers.ToDictionary(issuer => issuer.Key, issuer => IssuerKey.FromEd25519Hex(issuer.Value)));
        }
        catch (ChoriaFormatException)
        {
            // A node with an issuer that is no key believes nobody.
            return null;
        }
    }

    private static bool IsSignedBy(RequestProof proof, ClientClaims claims) =>
        claims.PublicKey is { Length: 2 * Ed25519Key.PublicKeyBytes } key && proof.IsSignedBy(Convert.FromHexString(key));
}
