namespace ControlPlane.Adapters.Choria;

/// <summary>Why a reply is not the one that was asked for.</summary>
public enum ReplyRefusal
{
    /// <summary>It answers another request.</summary>
    AnotherRequest = 1,

    /// <summary>It is of another node than was asked, or its names differ.</summary>
    AnotherSender = 2,

    /// <summary>It was made too long before the request, or too far in the future.</summary>
    Stale = 3,

    /// <summary>It is not signed, though nodes here sign.</summary>
    SignatureMissing = 4,

    /// <summary>The node's token is not believed: see the detail.</summary>
    TokenRefused = 5,

    /// <summary>The signature is not of the node's key.</summary>
    SignatureWrong = 6,
}

/// <param name="Reason">Why it is refused.</param>
/// <param name="Detail">The same in words that hold no secret.</param>
public sealed record ReplyFault(ReplyRefusal Reason, string Detail);

/// <summary>What we check of a reply. Choria's own client checks the hash alone, which decoding has done already.</summary>
public static class ReplyVerification
{
    /// <summary>Whether a reply is the asked node's to the request; null when it is.</summary>
    /// <param name="received">The reply.</param>
    /// <param name="request">The request that it must answer.</param>
    /// <param name="identity">The node that was asked; null when anyone may answer.</param>
    /// <param name="trust">Whose server tokens are believed; null where nodes do not sign: in provisioning mode and in V1.</param>
    /// <param name="now">The time.</param>
    public static ReplyFault? Judge(ReceivedReply received, ChoriaRequest request, string? identity, TokenTrust? trust, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(request);
        var reply = received.Reply;
        if (reply.RequestId != request.Id || reply.Protocol != request.Protocol)
        {
            return new ReplyFault(ReplyRefusal.AnotherRequest, "it answers another request");
        }

        if ((identity is not null && reply.Sender != identity) || (received.Headers.Sender is { } sender && sender != reply.Sender))
        {
            return new ReplyFault(ReplyRefusal.AnotherSender, "it is of another node than was asked");
        }

        // A node whose clock is further off has dropped the request already.
        if ((now - reply.Time).Duration() >= TimeSpan.FromSeconds(request.TimeToLiveSeconds))
        {
            return new ReplyFault(ReplyRefusal.Stale, "its time is too far from now");
        }

        return trust is null ? null : SignatureFault(received, trust, now);
    }

    private static ReplyFault? SignatureFault(ReceivedReply received, TokenTrust trust, DateTimeOffset now)
    {
        if (received.Proof is not { SenderToken.Length: > 0 } proof)
        {
            return new ReplyFault(ReplyRefusal.SignatureMissing, "it is not signed");
        }

        if (!trust.TryVerify(proof.SenderToken, now, out ServerClaims? node, out var refusal))
        {
            return new ReplyFault(ReplyRefusal.TokenRefused, refusal.Detail);
        }

        if (node.Identity != received.Reply.Sender)
        {
            return new ReplyFault(ReplyRefusal.AnotherSender, "the token is of another node");
        }

        return Hex.TryDecode(node.PublicKey, Ed25519Key.PublicKeyBytes, out var key) && proof.IsSignedBy(key)
            ? null
            : new ReplyFault(ReplyRefusal.SignatureWrong, "it is not signed by the node's key");
    }
}
