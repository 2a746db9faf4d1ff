namespace ControlPlane.Adapters.Choria;

/// <summary>A request while its fields are being read, in whatever order they come; both protocols share it.</summary>
internal struct RequestDraft(ChoriaProtocol protocol)
{
    private string id = "";
    private string sender = "";
    private string caller = "";
    private string collective = "";
    private string agent = "";
    private int timeToLiveSeconds;
    private long unixNanoseconds;
    private ChoriaFilter filter = ChoriaFilter.Everyone;

    public byte[] Body { get; set; } = [];

    public void ReadField(ref WireCursor cursor)
    {
        switch (cursor.Field)
        {
            case "id":
                id = cursor.ReadNonEmptyString();
                break;
            case "requestid":
                id = cursor.ReadString();
                if (id.Length != ChoriaLimits.V1RequestIdCharacters)
                {
                    throw cursor.Fault($"is not of {ChoriaLimits.V1RequestIdCharacters} characters");
                }

                break;
            case "sender" or "senderid":
                sender = cursor.ReadNonEmptyString();
                break;
            case "caller" or "callerid":
                caller = cursor.ReadNonEmptyString();
                break;
            case "collective":
                collective = cursor.ReadNonEmptyString();
                break;
            case "agent":
                agent = cursor.ReadNonEmptyString();
                break;
            case "ttl":
                var min = protocol == ChoriaProtocol.V1 ? ChoriaLimits.V1TimeToLiveSecondsMin : 1;
                timeToLiveSeconds = (int)cursor.ReadInteger(min, int.MaxValue);
                break;
            case "time":
                unixNanoseconds = EnvelopeTime.Read(ref cursor, protocol);
                break;
            default:
                filter = FilterJson.Read(ref cursor, protocol);
                break;
        }
    }

    public readonly ChoriaRequest ToRequest() => new()
    {
        Protocol = protocol,
        Id = id,
        Sender = sender,
        Caller = caller,
        Collective = collective,
        Agent = agent,
        TimeToLiveSeconds = timeToLiveSeconds,
        UnixNanoseconds = unixNanoseconds,
        Filter = filter,
        Body = Body,
    };
}
