using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Orleans.Serialization;

namespace ControlPlane;

/// <summary>Reads what we stored on brokers, where older silos, other versions and mistakes may have stored anything.</summary>
public sealed partial class StoredMessages : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Stored");
    private readonly Counter<long> unreadable;
    private readonly Serializer serializer;
    private readonly ILogger<StoredMessages> logger;

    public StoredMessages(Serializer serializer, ILogger<StoredMessages> logger)
    {
        (this.serializer, this.logger) = (serializer, logger);
        unreadable = meter.CreateCounter<long>(
            "controlplane.stored.unreadable", "{message}", "Stored messages that cannot be read, and are left out, by kind.");
    }

    /// <summary>What a message holds; null when it cannot be read, whatever its bytes are.</summary>
    /// <param name="kind">What it should hold: one of a closed set.</param>
    /// <param name="place">Where it is, for whoever looks after it.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="unpack">What is done to them before; nothing when null.</param>
    public T? ReadOrNull<T>(
        string kind, string place, ReadOnlyMemory<byte> content, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? unpack = null)
        where T : class
    {
        Exception? fault = null;
        try
        {
            if (serializer.Deserialize<T>(unpack is null ? content : unpack(content)) is { } read)
            {
                return read;
            }
        }
        catch (Exception any)
        {
            // Bytes that are not ours lead to whatever a decoder stumbles over.
            fault = any;
        }

        LeaveOut(kind, place, fault?.Message ?? "it is empty");
        return null;
    }

    /// <summary>Counts and says that what is stored somewhere cannot be read.</summary>
    /// <param name="kind">What it should hold: one of a closed set.</param>
    /// <param name="place">Where it is.</param>
    /// <param name="reason">Why, in words; holds nothing of it.</param>
    public void LeaveOut(string kind, string place, string reason)
    {
        unreadable.Add(1, new KeyValuePair<string, object?>("kind", kind));
        LogUnreadable(kind, place, reason);
    }

    public void Dispose() => meter.Dispose();

    [LoggerMessage(LogLevel.Error, "A stored message, '{Kind}' at {Place}, cannot be read and is left out: {Reason}")]
    private partial void LogUnreadable(string kind, string place, string reason);
}
