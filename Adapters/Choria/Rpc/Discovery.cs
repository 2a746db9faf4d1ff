namespace ControlPlane.Adapters.Choria;

/// <summary>The <c>discovery</c> agent: whoever matches the filter of a ping answers it.</summary>
public static class Discovery
{
    public const string Agent = "discovery";

    private static readonly byte[] PingText = [.. "cGluZw=="u8];
    private static readonly byte[] PongText = [.. "pong"u8];

    /// <summary>Base64 of "ping", in V2 too, where the envelope encodes it once more. A plain "ping" is ignored.</summary>
    public static ReadOnlyMemory<byte> Ping => PingText;

    /// <summary>The body of the reply.</summary>
    public static ReadOnlyMemory<byte> Pong => PongText;

    public static bool IsPing(ReadOnlySpan<byte> body) => body.SequenceEqual(PingText);

    public static bool IsPong(ReadOnlySpan<byte> body) => body.SequenceEqual(PongText);

    /// <summary>The identity of who answered: Choria takes the sender of the transport, which nodes set as in the reply.</summary>
    public static string ResponderOf(ReceivedReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return reply.Headers.Sender ?? reply.Reply.Sender;
    }
}
