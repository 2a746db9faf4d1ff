namespace ControlPlane.Adapters.Choria;

/// <summary>A node's reply to one request, the same in both protocol versions.</summary>
public sealed record ChoriaReply
{
    /// <summary>The version of the request.</summary>
    public required ChoriaProtocol Protocol { get; init; }

    /// <summary>The id of the request.</summary>
    public required string RequestId { get; init; }

    /// <summary>The identity of the node that answers.</summary>
    public required string Sender { get; init; }

    /// <summary>The agent that answers.</summary>
    public required string Agent { get; init; }

    /// <summary>When it was made, in nanoseconds since 1970. V1 carries whole seconds only.</summary>
    public required long UnixNanoseconds { get; init; }

    /// <summary>What the agent answers: an <see cref="RpcReply"/>, a <see cref="Discovery"/> pong. UTF-8 text in V1.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Time => UnixTime.FromNanoseconds(UnixNanoseconds);

    /// <summary>The reply of a node to a request, in its protocol.</summary>
    public static ChoriaReply To(ChoriaRequest request, string sender, DateTimeOffset now, ReadOnlyMemory<byte> body)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new ChoriaReply
        {
            Protocol = request.Protocol,
            RequestId = request.Id,
            Sender = sender,
            Agent = request.Agent,
            UnixNanoseconds = UnixTime.Nanoseconds(now),
            Body = body,
        };
    }
}
