namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

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

    private static readonly WireFields Fields = new(["statuscode"], ["action", "statusmsg", "data"]);
    private static readonly byte[] NoData = [.. "{}"u8];

    public bool IsOk => StatusCode == (int)RpcStatus.Ok;

    public static RpcReply Ok(string action, ReadOnlyMemory<byte> data) => new(action, (int)RpcStatus.Ok, OkMessage, data);

    public static RpcReply Failed(string action, RpcStatus status, string message) => new(action, (int)status, message, NoData);

    public byte[] Encode()
    {
        using var writer = new WireWriter();
        writer.Raw("{\"action\":"u8).Text(Action).Raw(",\"statuscode\":"u8).Number(StatusCode);
        writer.Raw(",\"statusmsg\":"u8).Text(StatusMessage);
        return writer.Raw(",\"data\":"u8).Raw(Data.IsEmpty ? NoData : Data.Span).Raw("}"u8).ToArray();
    }

    /// <summary>Reads a body. Never throws for what it may hold.</summary>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RpcReply? reply, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (reply, fault) = (null, null);
        try
        {
            reply = Read(NodeText.WellFormed(body));
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }

    // It goes to operators, into logs, histories and lists of nodes. Half a character at the end could not be encoded.
    private static string Cut(string message)
    {
        const int max = ChoriaLimits.StatusMessageCharactersMax;
        return message.Length <= max ? message : message[..(char.IsHighSurrogate(message[max - 1]) ? max - 1 : max)] + "…";
    }

    private static RpcReply Read(ReadOnlyMemory<byte> json)
    {
        var cursor = new WireCursor(json.Span, ChoriaLayer.RpcReply);
        var (action, status, message) = ("", 0, "");
        ReadOnlyMemory<byte> data = NoData;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "action":
                    action = cursor.ReadName();
                    break;
                case "statuscode":
                    status = (int)cursor.ReadInteger(int.MinValue, int.MaxValue);
                    break;
                case "statusmsg":
                    message = Cut(cursor.ReadString());
                    break;
                case "data" when cursor.IsString:
                    // Actions that set no data answer the JSON string "{}".
                    cursor.RequireText("{}");
                    break;
                default:
                    cursor.ExpectObject();
                    var raw = cursor.ReadRaw(out var offset);
                    data = json.Slice(offset, raw.Length);
                    break;
            }
        }

        cursor.End();
        return new RpcReply(action, status, message, data);
    }
}
