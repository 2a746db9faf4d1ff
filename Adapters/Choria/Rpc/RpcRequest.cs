namespace ControlPlane.Adapters.Choria;

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

/// <summary>The body of a request to an RPC agent: an action and its inputs.</summary>
/// <param name="Agent">The agent. Nodes dispatch by the envelope's agent, but authorise this one.</param>
/// <param name="Action">The action.</param>
/// <param name="Data">The inputs, as the JSON object that was received or is to be sent.</param>
public sealed record RpcRequest(string Agent, string Action, ReadOnlyMemory<byte> Data)
{
    private static readonly WireFields Fields = new(["agent", "action"], ["data"]);
    private static readonly byte[] NoData = [.. "{}"u8];

    /// <summary>The body. Only what nodes read: a <c>time</c>, <c>ttl</c> or <c>callerid</c> here would break the request.</summary>
    public byte[] Encode()
    {
        using var writer = new WireWriter();
        writer.Raw("{\"agent\":"u8).Text(Agent).Raw(",\"action\":"u8).Text(Action);
        return writer.Raw(",\"data\":"u8).Raw(Data.IsEmpty ? NoData : Data.Span).Raw("}"u8).ToArray();
    }

    /// <summary>Reads a body, plain or base64 encoded as older clients send it. Never throws for what it may hold.</summary>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RpcRequest? request, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (request, fault) = (null, null);
        try
        {
            request = Read(Unwrap(body));
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }

    private static RpcRequest Read(ReadOnlyMemory<byte> json)
    {
        var cursor = new WireCursor(json.Span, ChoriaLayer.RpcRequest);
        var (agent, action) = ("", "");
        ReadOnlyMemory<byte> data = NoData;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "agent":
                    agent = cursor.ReadString();
                    break;
                case "action":
                    action = cursor.ReadString();
                    break;
                default:
                    cursor.ExpectObject();
                    var raw = cursor.ReadRaw(out var offset);
                    data = json.Slice(offset, raw.Length);
                    break;
            }
        }

        cursor.End();
        return new RpcRequest(agent, action, data);
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
