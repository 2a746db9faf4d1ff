namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

/// <summary>The status codes of RPC replies.</summary>
public enum RpcStatus
{
    Ok = 0,

    /// <summary>The action ran and failed, was denied, or a precondition failed.</summary>
    Aborted = 1,
    UnknownAction = 2,
    MissingData = 3,
    InvalidData = 4,
    UnknownError = 5,
}

/// <summary>The body of an RPC agent's reply.</summary>
/// <param name="Action">The action; empty when the node could not read the request.</param>
/// <param name="StatusCode">A <see cref="RpcStatus"/>, or whatever an agent of a third party sends.</param>
/// <param name="StatusMessage"><c>OK</c>, or what went wrong.</param>
/// <param name="Data">The outputs, as the JSON object that was received or is to be sent.</param>
public sealed record RpcReply(string Action, int StatusCode, string StatusMessage, ReadOnlyMemory<byte> Data)
{
    private const string OkMessage = "OK";

    private static readonly byte[] NoData = [.. "{}"u8];

    public bool IsOk => StatusCode == (int)RpcStatus.Ok;

    public static RpcReply Ok(string action, ReadOnlyMemory<byte> data) => new(action, (int)RpcStatus.Ok, OkMessage, data);

    public static RpcReply Failed(string action, RpcStatus status, string message) => new(action, (int)status, message, NoData);

    public byte[] Encode() => WireJson.Write(
        new RpcReplyJson
        {
            Action = Action,
            Statuscode = StatusCode,
            Statusmsg = StatusMessage,
            Data = new RawJson(Data.IsEmpty ? NoData : Data),
        },
        WireJson.Types.RpcReplyJson);

    /// <summary>Reads a body. Never throws for what it may hold.</summary>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RpcReply? reply, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(NodeText.WellFormed(body), Read, out reply, out fault);

    private static RpcReply Read(ReadOnlyMemory<byte> body)
    {
        var json = WireJson.Read(body.Span, WireJson.Types.RpcReplyJson, ChoriaLayer.RpcReply);

        // Actions that set no data answer the JSON string "{}".
        var data = json.Data is not { } some || some.In(body).Span.SequenceEqual("\"{}\""u8)
            ? NoData
            : some.ObjectIn(body, ChoriaLayer.RpcReply, "data");

        // The words go to operators, into logs, histories and lists of nodes.
        return new RpcReply(
            json.Action ?? "", json.Statuscode, NodeText.Cut(json.Statusmsg ?? "", ChoriaLimits.StatusMessageCharactersMax), data);
    }
}

internal sealed record RpcReplyJson
{
    [JsonConverter(typeof(NameText))]
    public string? Action { get; init; }

    public required int Statuscode { get; init; }

    public string? Statusmsg { get; init; }

    public RawJson? Data { get; init; }
}
