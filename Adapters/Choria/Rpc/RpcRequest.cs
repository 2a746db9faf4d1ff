namespace ControlPlane.Adapters.Choria;

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

/// <summary>The body of a request to an RPC agent: an action and its inputs.</summary>
/// <param name="Agent">The agent. Nodes dispatch by the envelope's agent, but authorise this one.</param>
/// <param name="Action">The action.</param>
/// <param name="Data">The inputs, as the JSON object that was received or is to be sent.</param>
public sealed record RpcRequest(string Agent, string Action, ReadOnlyMemory<byte> Data)
{
    private static readonly byte[] NoData = [.. "{}"u8];

    /// <summary>The body. Only what nodes read: a <c>time</c>, <c>ttl</c> or <c>callerid</c> here would break the request.</summary>
    public byte[] Encode() => WireJson.Write(
        new RpcRequestJson(Agent, Action, new RawJson(Data.IsEmpty ? NoData : Data)), WireJson.Types.RpcRequestJson);

    /// <summary>Reads a body, plain or base64 encoded as older clients send it. Never throws for what it may hold.</summary>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RpcRequest? request, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(Unwrap(body), Read, out request, out fault);

    private static RpcRequest Read(ReadOnlyMemory<byte> body)
    {
        var json = WireJson.Read(body.Span, WireJson.Types.RpcRequestJson, ChoriaLayer.RpcRequest);
        return new RpcRequest(json.Agent, json.Action, json.Data?.ObjectIn(body, ChoriaLayer.RpcRequest, "data") ?? NoData);
    }

    private static ReadOnlyMemory<byte> Unwrap(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty || body.Span[0] == (byte)'{' || !Base64.IsValid(body.Span, out var length))
        {
            return body;
        }

        var plain = new byte[length];
        Base64.DecodeFromUtf8(body.Span, plain, out _, out var written);
        return plain.AsMemory(0, written);
    }
}

internal sealed record RpcRequestJson(string Agent, string Action, RawJson? Data = null);
