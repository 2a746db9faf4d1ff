namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

/// <summary>
/// What Choria's nodes check before they serve a V2 request, in their order; and what we check of what nodes publish. Choria has no
/// protection against replay: the same request is served again within its time to live.
/// </summary>
public static class RequestVerification
{
    /// <summary>Whether a provisioned node serves the request. Collective, filter and agent are for the node to look at.</summary>
    public static bool TryVerifyCaller(
        ReceivedRequest received,
        TokenTrust trust,
        DateTimeOffset now,
        [NotNullWhen(true)] out ClientClaims? caller,
        [NotNullWhen(false)] out RequestFault? fault)
    {
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(trust);
        (caller, fault) = (null, FormFault(received, now));
        if (fault is not null)
        {
            return false;
        }

        if (!trust.TryVerify(received.Proof.CallerCredential, now, out ClientClaims? claims, out var refusal))
        {
            fault = new RequestFault(RequestRefusal.CredentialRefused, refusal.Detail);
            return false;
        }

        fault = received.Proof.SignerToken is { } signer
            ? DelegatedFault(received, claims, signer, trust, now)
            : OwnFault(received, claims);
        caller = fault is null ? claims : null;
        return fault is null;
    }

    /// <summary>Whether a registration is of the node that it names: such requests carry the node's server token.</summary>
    public static bool TryVerifyNode(
        ReceivedRequest received,
        TokenTrust trust,
        DateTimeOffset now,
        [NotNullWhen(true)] out ServerClaims? node,
        [NotNullWhen(false)] out RequestFault? fault)
    {
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(trust);
        (node, fault) = (null, FormFault(received, now));
        if (fault is not null)
        {
            return false;
        }

        if (!trust.TryVerify(received.Proof.CallerCredential, now, out ServerClaims? claims, out var refusal))
        {
            fault = new RequestFault(RequestRefusal.CredentialRefused, refusal.Detail);
            return false;
        }

        fault = claims.Identity != received.Request.Sender || claims.Identity != received.Request.Caller
            ? new RequestFault(RequestRefusal.CallerMismatch, "the token is of another node")
            : SignatureFault(received, claims);
        node = fault is null ? claims : null;
        return fault is null;
    }

    /// <summary>Whether what was submitted is of the node that it names: who asks for signing sends the node's server token.</summary>
    /// <remarks>The signature covers the payload alone, and no instant: who saw a message can publish it again, elsewhere too.</remarks>
    public static bool TryVerifySubmission(
        SubmittedMessage submitted,
        TokenTrust trust,
        DateTimeOffset now,
        [NotNullWhen(true)] out ServerClaims? node,
        [NotNullWhen(false)] out RequestFault? fault)
    {
        ArgumentNullException.ThrowIfNull(submitted);
        ArgumentNullException.ThrowIfNull(trust);
        node = null;
        if (!submitted.IsSigned)
        {
            fault = new RequestFault(RequestRefusal.SignatureMissing, "it carries no signature of a token's key");
            return false;
        }

        if (!trust.TryVerify(submitted.Token, now, out ServerClaims? claims, out var refusal))
        {
            fault = new RequestFault(RequestRefusal.CredentialRefused, refusal.Detail);
            return false;
        }

        fault = claims.Identity != submitted.Identity ? new RequestFault(RequestRefusal.CallerMismatch, "the token is of another node")
            : Ed25519Key.VerifyHex(claims.PublicKey, submitted.Payload.Span, submitted.Signature) ? null
            : new RequestFault(RequestRefusal.SignatureWrong, "the signature is not of the token's key");
        node = fault is null ? claims : null;
        return fault is null;
    }

    private static RequestFault? FormFault(ReceivedRequest received, DateTimeOffset now)
    {
        if (received.Proof.Protocol != ChoriaProtocol.V2 || received.Proof.IsInsecure)
        {
            return new RequestFault(RequestRefusal.SignatureMissing, "it carries no signature of a token's key");
        }

        return received.Request.IsFresh(now) ? null : new RequestFault(RequestRefusal.Stale, "its time to live is over");
    }

    private static RequestFault? OwnFault(ReceivedRequest received, ClientClaims caller)
    {
        if (caller.Permissions is not { FleetManagement: true, SignedFleetManagement: false })
        {
            return new RequestFault(RequestRefusal.NotPermitted, "the caller may not send requests without a delegator");
        }

        return caller.CallerId != received.Request.Caller
            ? new RequestFault(RequestRefusal.CallerMismatch, "the token is of another caller")
            : SignatureFault(received, caller);
    }

    private static RequestFault? DelegatedFault(
        ReceivedRequest received, ClientClaims caller, string signerToken, TokenTrust trust, DateTimeOffset now)
    {
        // The caller's name is not compared: the AAA service rewrites it.
        if (caller.Permissions is not ({ FleetManagement: true } or { SignedFleetManagement: true }))
        {
            return new RequestFault(RequestRefusal.NotPermitted, "the caller may not send requests");
        }

        if (!trust.TryVerify(signerToken, now, out ClientClaims? signer, out var refusal))
        {
            return new RequestFault(RequestRefusal.CredentialRefused, refusal.Detail);
        }

        return signer.Permissions is not { AuthenticationDelegator: true }
            ? new RequestFault(RequestRefusal.NotPermitted, "the signer may not sign for others")
            : SignatureFault(received, signer);
    }

    private static RequestFault? SignatureFault(ReceivedRequest received, TokenClaims holder) =>
        Hex.TryDecode(holder.PublicKey, Ed25519Key.PublicKeyBytes, out var key) && received.Proof.IsSignedBy(key)
            ? null
            : new RequestFault(RequestRefusal.SignatureWrong, "it is not signed by the token's key");
}
