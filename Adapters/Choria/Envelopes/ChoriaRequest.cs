namespace ControlPlane.Adapters.Choria;

/// <summary>A request to an agent, the same in both protocol versions.</summary>
public sealed record ChoriaRequest
{
    /// <summary>The version that it is encoded in, and that the reply comes in.</summary>
    public required ChoriaProtocol Protocol { get; init; }

    /// <summary>Unique per request; exactly 32 characters in V1. See <see cref="RequestId"/>.</summary>
    public required string Id { get; init; }

    /// <summary>The host that sends; not authenticated. A node's provisioning lock belongs to it and <see cref="Caller"/>.</summary>
    public required string Sender { get; init; }

    /// <summary>Who asks: in V2 the <c>callerid</c> of the caller's token, in V1 <c>choria=&lt;certificate name&gt;</c>.</summary>
    public required string Caller { get; init; }

    /// <summary>One of the collectives of the nodes that are meant.</summary>
    public required string Collective { get; init; }

    /// <summary>The agent that shall act.</summary>
    public required string Agent { get; init; }

    /// <summary>When it was made, in nanoseconds since 1970. V1 carries whole seconds only.</summary>
    public required long UnixNanoseconds { get; init; }

    /// <summary>For how many seconds around its time nodes take it: 1 and up, in V1 30 and up; 60 by default.</summary>
    public int TimeToLiveSeconds { get; init; } = 60;

    /// <summary>The nodes that are meant among those who receive it.</summary>
    public ChoriaFilter Filter { get; init; } = ChoriaFilter.Everyone;

    /// <summary>What the agent reads: an <see cref="RpcRequest"/>, a <see cref="Discovery"/> ping, … UTF-8 text in V1.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Time => UnixTime.FromNanoseconds(UnixNanoseconds);

    /// <summary>Whether a node takes it at an instant: strictly less than the time to live away, in either direction.</summary>
    public bool IsFresh(DateTimeOffset now) => (now - Time).Duration() < TimeSpan.FromSeconds(TimeToLiveSeconds);
}
