using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>
/// The layers of a message as JSON, opened without the library under test, and what may differ between two runs taken out. What
/// remains must be equal, down to the order of the keys.
/// </summary>
internal static partial class OpenedMessage
{
    private const string Volatile = "*";

    // Random, or of the moment, or counted: they must be there and of the same type, their values differ.
    private static readonly HashSet<string> VolatileFields =
    [
        "hash", "signature", "time", "timestamp", "id", "jwt", "ecdh_public", "public_key", "csr", "pong", "pid", "starttime",
        "passed", "replies", "total", "validated", "unvalidated", "filtered", "ttlexpired",
        "in_msgs", "out_msgs", "in_bytes", "out_bytes", "reconnects",
    ];

    public static string Of(byte[] payload, string broker)
    {
        var text = Encoding.UTF8.GetString(payload).Replace(broker, CapturedNode.CapturedBroker, StringComparison.Ordinal);
        var transport = JsonNode.Parse(text)!;
        if (transport["data"] is JsonValue data)
        {
            var secure = JsonNode.Parse(Convert.FromBase64String(data.GetValue<string>()))!;
            transport["data"] = secure;
            if (secure["reply"] is JsonValue v2)
            {
                var reply = JsonNode.Parse(Convert.FromBase64String(v2.GetValue<string>()))!;
                reply["message"] = Body(Encoding.UTF8.GetString(Convert.FromBase64String(reply["message"]!.GetValue<string>())), broker);
                secure["reply"] = reply;
                if (secure["sender"] is not null)
                {
                    secure["sender"] = Volatile;
                }
            }
            else
            {
                var reply = JsonNode.Parse(secure["message"]!.GetValue<string>())!;
                reply["message"] = Body(reply["message"]!.GetValue<string>(), broker);
                secure["message"] = reply;
            }
        }

        Settle(transport);
        return transport.ToJsonString();
    }

    private static JsonNode Body(string text, string broker) => text.StartsWith('{')
        ? JsonNode.Parse(text.Replace(broker, CapturedNode.CapturedBroker, StringComparison.Ordinal)
            .Replace(broker["nats://".Length..], CapturedNode.CapturedBroker["nats://".Length..], StringComparison.Ordinal))!
        : JsonValue.Create(text);

    private static void Settle(JsonNode node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Settle(item!);
            }
        }
        else if (node is JsonObject fields)
        {
            foreach (var (name, value) in fields.ToList())
            {
                if (VolatileFields.Contains(name) && value is JsonValue)
                {
                    fields[name] = $"{Volatile}{value.GetValueKind()}";
                }
                else if (name == "message" && value is JsonValue text && text.TryGetValue<string>(out var said))
                {
                    fields[name] = RandomDelay().Replace(said, "$1 after *s");
                }
                else if (value is not null)
                {
                    Settle(value);
                }
            }
        }
    }

    // The splay of 1 that provisioners ask for always gives 2 seconds; without one the delay is random.
    [GeneratedRegex(@"^(Shutting Choria Server down|Restarting) after \d+s$")]
    private static partial Regex RandomDelay();
}
