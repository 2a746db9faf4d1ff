namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Globalization;

/// <summary>
/// What a program on a node submitted, as the node's server published it: the payload untouched, everything else in NATS headers.
/// </summary>
/// <remarks>At least once: a server that saw no acknowledgement publishes again, under the same <see cref="MessageId"/>.</remarks>
public sealed record SubmittedMessage
{
    public const int PriorityMax = 4;

    /// <summary>Where the program submitted it to: the subject after <c>collective.submission.in.</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The node, unsigned: <see cref="RequestVerification.TryVerifySubmission"/> compares it to the token.</summary>
    public required string Identity { get; init; }

    /// <summary>The same for every try; JetStream drops repetitions by it. Empty when there is none.</summary>
    public required string MessageId { get; init; }

    /// <summary>0, the most urgent, to 4. Reliable messages of one node and priority keep their order.</summary>
    public required int Priority { get; init; }

    /// <summary>When the program submitted it, by the node's clock; up to 31 days ago.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Who submitted it, in the program's words. Empty when it does not say.</summary>
    public required string Sender { get; init; }

    /// <summary>Whether the node keeps it until it is acknowledged.</summary>
    public required bool IsReliable { get; init; }

    /// <summary>1 for the first try.</summary>
    public required int Try { get; init; }

    /// <summary>The node's server token; null unless signing was asked for.</summary>
    public string? Token { get; init; }

    /// <summary>Ed25519 over the payload, in hexadecimal; null exactly when <see cref="Token"/> is.</summary>
    public string? Signature { get; init; }

    public required ReadOnlyMemory<byte> Payload { get; init; }

    [MemberNotNullWhen(true, nameof(Token), nameof(Signature))]
    public bool IsSigned => Token is not null && Signature is not null;

    /// <summary>Reads a message. Never throws for what the subject, the headers and the payload may hold.</summary>
    /// <param name="subject">The NATS subject, or what JetStream made of it, as in <c>CHORIA_EXECUTOR</c>.</param>
    /// <param name="headerOf">The value of the NATS header of a name; null when there is none.</param>
    /// <param name="payload">The message.</param>
    /// <param name="decoded">What was submitted.</param>
    /// <param name="fault">What is wrong with it.</param>
    public static bool TryDecode(
        string subject,
        Func<string, string?> headerOf,
        ReadOnlyMemory<byte> payload,
        [NotNullWhen(true)] out SubmittedMessage? decoded,
        [NotNullWhen(false)] out ChoriaFault? fault)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(headerOf);
        (decoded, fault) = (null, null);
        try
        {
            decoded = new SubmissionReader(headerOf).Read(subject, payload);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }
}

internal readonly struct SubmissionReader(Func<string, string?> headerOf)
{
    private const string Marker = ".submission.in.";
    private const string SignatureHeader = "Choria-Signature";

    public SubmittedMessage Read(string subject, ReadOnlyMemory<byte> payload)
    {
        var (token, signature) = (headerOf("Choria-Token"), headerOf(SignatureHeader));
        if (token is null != signature is null)
        {
            throw Fault(SignatureHeader, "and Choria-Token do not come together");
        }

        var identity = headerOf("Choria-Identity") ?? "";
        return new SubmittedMessage
        {
            Subject = subject.IndexOf(Marker, StringComparison.Ordinal) is > 0 and var at ? subject[(at + Marker.Length)..] : subject,
            Identity = identity.Length > 0 ? identity : throw Fault("Choria-Identity", "is missing"),
            MessageId = headerOf("Nats-Msg-Id") ?? "",
            Priority = (int)Integer("Choria-Priority", 0, SubmittedMessage.PriorityMax),
            Created = UnixTime.FromNanoseconds(Integer("Choria-Created", 0, long.MaxValue)),
            Sender = headerOf("Choria-Sender") ?? "",
            IsReliable = headerOf("Choria-Reliable") == "1",
            Try = headerOf("Choria-Tries") is null ? 1 : (int)Integer("Choria-Tries", 1, int.MaxValue),
            Token = token,
            Signature = signature,
            Payload = payload,
        };
    }

    private long Integer(string header, long min, long max)
    {
        if (headerOf(header) is not { } text)
        {
            throw Fault(header, "is missing");
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw Fault(header, $"is not a whole number from {min} to {max}");
    }

    private static ChoriaFormatException Fault(string header, string problem) =>
        new(new ChoriaFault(ChoriaLayer.Submission, header, problem));
}
