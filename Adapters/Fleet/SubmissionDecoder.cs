using System.Diagnostics.CodeAnalysis;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Reads what programs on nodes submit: their node's server published it, and so it is alive.</summary>
/// <remarks>What was submitted is not looked at: it is for who the program submitted it to.</remarks>
internal sealed class SubmissionDecoder(NodeTrust trust, NodeMessageMeter meter) : IJetStreamDecoder
{
    private const string SourceEnd = "-submission";

    /// <summary>The name of an overlay's source of submitted messages.</summary>
    public static string SourceOf(string overlay) => overlay + SourceEnd;

    /// <summary>Whose sign of life the message is, without a look at the proof; null when it is no submission.</summary>
    public static FleetEvent? SignOrNull(JetStreamMessage message) =>
        TryRead(message, out var submitted, out _) ? SignOf(submitted, message) : null;

    public DecodedMessage Decode(in JetStreamMessage message)
    {
        if (!TryRead(message, out var submitted, out var fault))
        {
            meter.Submission("unreadable");
            return DecodedMessage.Poison($"not a submitted message: {fault}");
        }

        if (submitted.IsSigned && !trust.IsOf(submitted, message.StoredAt))
        {
            // Not poison: a node that nobody vouches for would fill the dead letters.
            meter.Submission("refused");
            return DecodedMessage.Ignore;
        }

        meter.Submission(submitted.IsSigned ? "verified" : "unsigned");
        return StreamIdentities.Event(SignOf(submitted, message));
    }

    private static bool TryRead(
        in JetStreamMessage message, [NotNullWhen(true)] out SubmittedMessage? submitted, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        var headers = message.Headers;
        return SubmittedMessage.TryDecode(
            message.Subject,
            name => headers is not null && headers.TryGetValue(name, out var values) && values.Count > 0 ? values[0] : null,
            message.Payload,
            out submitted,
            out fault);
    }

    // It may have been on the node's disk for days; that the node published it is what counts.
    private static FleetEvent SignOf(SubmittedMessage submitted, in JetStreamMessage message) => new(
        submitted.Identity,
        FleetEventKind.Submission,
        ChoriaSubjects.ServerComponent,
        Version: null,
        message.StoredAt,
        message.StoredAt,
        message.Source[..^SourceEnd.Length],
        message.Sequence);
}
