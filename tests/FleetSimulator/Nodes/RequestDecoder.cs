using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Opens requests. Remembers the last: a discovery, or a job, brings the same bytes to each of 20,000 nodes.</summary>
internal sealed class RequestDecoder
{
    private Remembered? last;

    public ReceivedRequest? DecodeOrNull(ReadOnlySpan<byte> payload)
    {
        if (Volatile.Read(ref last) is { } remembered && payload.SequenceEqual(remembered.Payload))
        {
            return remembered.Request;
        }

        if (!ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _))
        {
            return null;
        }

        Volatile.Write(ref last, new Remembered(payload.ToArray(), request));
        return request;
    }

    private sealed record Remembered(byte[] Payload, ReceivedRequest Request);
}
