using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>Choria's status codes of an action.</summary>
internal enum AgentStatus
{
    Ok = 0,
    Aborted = 1,
    UnknownAction = 2,
    MissingData = 3,
    InvalidData = 4,
    UnknownError = 5,
}

/// <summary>What an agent answers to one action.</summary>
/// <param name="Data">JSON, <c>{}</c> when the action failed.</param>
internal sealed record AgentReply(AgentStatus Status, string Message, ReadOnlyMemory<byte> Data)
{
    private static readonly byte[] NoData = "{}"u8.ToArray();
    private static readonly JsonWriterOptions PlainText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static AgentReply Ok<TData>(TData data, JsonTypeInfo<TData> type) =>
        new(AgentStatus.Ok, "OK", JsonSerializer.SerializeToUtf8Bytes(data, type));

    public static AgentReply Ok(string message) => Ok(new MessageReply(message), AgentJson.Default.MessageReply);

    public static AgentReply Abort(string message) => new(AgentStatus.Aborted, message, NoData);

    public static AgentReply Invalid(string message) => new(AgentStatus.InvalidData, message, NoData);

    public static AgentReply Unknown(string action, string agent) =>
        new(AgentStatus.UnknownAction, $"Unknown action {action} for agent {agent}", NoData);

    /// <summary>The RPC body: <c>{"action","statuscode","statusmsg","data"}</c>.</summary>
    public byte[] ToBody(string action)
    {
        var body = new ArrayBufferWriter<byte>(Data.Length + 128);
        using (var json = new Utf8JsonWriter(body, PlainText))
        {
            json.WriteStartObject();
            json.WriteString("action", action);
            json.WriteNumber("statuscode", (int)Status);
            json.WriteString("statusmsg", Message);
            json.WritePropertyName("data");
            json.WriteRawValue(Data.Span, skipInputValidation: true);
            json.WriteEndObject();
        }

        return body.WrittenSpan.ToArray();
    }
}
