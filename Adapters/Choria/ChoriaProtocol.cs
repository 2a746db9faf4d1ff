namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization.Metadata;

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

    /// <summary>Reads a layer of one protocol.</summary>
    /// <exception cref="ChoriaFormatException">It is not of the type, or of another protocol.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, ChoriaLayer layer, string protocol)
        where T : IProtocolLayer
    {
        var read = WireJson.Read(json, type, layer);
        WireJson.Require(read.Protocol == protocol, layer, "protocol", $"is not {protocol}");
        return read;
    }
}

/// <summary>A layer of a message, which says in which protocol it is.</summary>
internal interface IProtocolLayer
{
    string Protocol { get; }
}
