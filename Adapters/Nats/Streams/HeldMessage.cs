using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>One message of a queue between the server's delivery and its acknowledgement.</summary>
/// <remarks>
/// Written by the queue's reader before it is handed on, then by the queue's pulling agent; <see cref="AckWindow"/> guards the
/// rest.
/// </remarks>
internal sealed class HeldMessage
{
    /// <summary>The message as it came.</summary>
    public required JetStreamMessage Message { get; init; }

    /// <summary>Its place in the order of the queue: the stream's sequence, above those of a stream that was there before it.</summary>
    public required long Position { get; init; }

    /// <summary>The epoch of the queue's ownership in which it was read.</summary>
    public required long Epoch { get; init; }

    /// <summary>Where it is acknowledged. Changes when the consumer is made anew.</summary>
    public required string AckSubject { get; set; }

    /// <summary>How many bytes it counts for.</summary>
    public required int Size { get; init; }

    /// <summary>The Orleans stream that its events belong to.</summary>
    public StreamId Stream { get; init; }

    /// <summary>Its events, in order; empty when nobody is to get any.</summary>
    public object[] Events { get; init; } = [];

    /// <summary>The index of the first of them in the message: a consumer that goes on after a token may have had some.</summary>
    public int FirstIndex { get; init; }

    /// <summary>The request context that its publisher sent along; null when there was none.</summary>
    public Dictionary<string, object>? RequestContext { get; init; }

    /// <summary>A batch with it failed: it is delivered alone from now on, to find out which one it was.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>It is on its way to the dead letters, which complete it once it is stored there.</summary>
    public bool IsBuried { get; set; }

    /// <summary>When it, or the last word that it is in progress, was heard: a time stamp of the time provider.</summary>
    public long HeardAt { get; set; }

    /// <summary>Completed when nothing more is to be done with it, if somebody waits for that; else null.</summary>
    public TaskCompletionSource? Done { get; init; }

    /// <summary>Nothing more is to be done with it but to acknowledge it. Set under the lock of <see cref="AckWindow"/>.</summary>
    public bool IsDone { get; set; }
}
