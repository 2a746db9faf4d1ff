namespace ControlPlane.Adapters.Choria;

/// <summary>The version of Choria's wire protocol. A node answers in the version of the request.</summary>
public enum ChoriaProtocol
{
    /// <summary>x509 security: RSA signatures, times in seconds.</summary>
    V1 = 1,

    /// <summary>ed25519 and token security: times in nanoseconds.</summary>
    V2 = 2,
}

internal static class ProtocolIds
{
    public const string TransportV1 = "choria:transport:1";
    public const string SecureRequestV1 = "choria:secure:request:1";
    public const string SecureReplyV1 = "choria:secure:reply:1";
    public const string RequestV1 = "choria:request:1";
    public const string ReplyV1 = "choria:reply:1";

    public const string TransportV2 = "io.choria.protocol.v2.transport";
    public const string SecureRequestV2 = "io.choria.protocol.v2.secure_request";
    public const string SecureReplyV2 = "io.choria.protocol.v2.secure_reply";
    public const string RequestV2 = "io.choria.protocol.v2.request";
    public const string ReplyV2 = "io.choria.protocol.v2.reply";

    public static void Require(string actual, string expected, ChoriaLayer layer) =>
        WireJson.Require(actual == expected, layer, "protocol", $"is not {expected}");
}
