using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>A call together with the document that its inputs live in.</summary>
internal readonly record struct OpenedCall(AgentCall Call, JsonDocument Body);

/// <summary>Reads the RPC body of a request: JSON, or base64 of it.</summary>
internal static class AgentCallReader
{
    /// <summary>The reply to a body that cannot be read, or null when <paramref name="opened"/> was.</summary>
    public static AgentReply? Read(ChoriaRequest request, out OpenedCall opened)
    {
        opened = default;
        JsonDocument? body = null;
        try
        {
            body = JsonDocument.Parse(Unwrap(request.Body));
            var root = body.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw new JsonException(
                    $"json: cannot unmarshal {GoArguments.GoName(root.ValueKind)} into Go value of type mcorpc.Request");
            }

            var action = root.TryGetProperty("action", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
            var data = root.TryGetProperty("data", out var inputs) ? inputs : default;
            opened = new OpenedCall(new AgentCall(request.Agent, action, data, request.Id, request.Sender, request.Caller), body);
            return null;
        }
        catch (JsonException unreadable)
        {
            body?.Dispose();
            return AgentReply.Invalid(
                "Could not process request: could not parse incoming message as a MCollective SimpleRPC Request: " + unreadable.Message);
        }
    }

    // Clients may encode the body once more; the node tries that first.
    private static ReadOnlyMemory<byte> Unwrap(ReadOnlyMemory<byte> body)
    {
        if (!Base64.IsValid(body.Span))
        {
            return body;
        }

        var decoded = Convert.FromBase64String(Encoding.ASCII.GetString(body.Span));
        return decoded.Length > 0 ? decoded : body;
    }
}
