namespace ControlPlane.Adapters.Choria;

/// <summary>A reply while its fields are being read, in whatever order they come; both protocols share it.</summary>
internal struct ReplyDraft(ChoriaProtocol protocol)
{
    private string requestId = "";
    private string sender = "";
    private string agent = "";
    private long unixNanoseconds;

    public byte[] Body { get; set; } = [];

    public void ReadField(ref WireCursor cursor)
    {
        switch (cursor.Field)
        {
            case "request" or "requestid":
                requestId = cursor.ReadNonEmptyString();
                break;
            case "sender" or "senderid":
                sender = cursor.ReadNonEmptyString();
                break;
            case "agent":
                agent = cursor.ReadNonEmptyString();
                break;
            default:
                unixNanoseconds = EnvelopeTime.Read(ref cursor, protocol);
                break;
        }
    }

    public readonly ChoriaReply ToReply() => new()
    {
        Protocol = protocol,
        RequestId = requestId,
        Sender = sender,
        Agent = agent,
        UnixNanoseconds = unixNanoseconds,
        Body = Body,
    };
}

/// <summary>The <c>time</c> of requests and replies: seconds in V1, nanoseconds in V2.</summary>
internal static class EnvelopeTime
{
    public static long Read(ref WireCursor cursor, ChoriaProtocol protocol) => protocol == ChoriaProtocol.V1
        ? cursor.ReadInteger(-UnixTime.SecondsMax, UnixTime.SecondsMax) * UnixTime.NanosecondsPerSecond
        : cursor.ReadInteger();

    public static long Seconds(long unixNanoseconds) => Math.DivRem(unixNanoseconds, UnixTime.NanosecondsPerSecond).Quotient;
}
