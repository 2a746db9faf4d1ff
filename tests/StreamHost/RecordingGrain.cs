using System.Globalization;
using System.Text;
using ControlPlane.Adapters.Nats;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.StreamHost;

[Alias("ControlPlane.StreamHost.IRecordingGrain")]
internal interface IRecordingGrain : IGrainWithStringKey;

/// <summary>Writes down each event before it says that it has it. One of <see cref="Fatal"/> ends the process instead.</summary>
[ImplicitStreamSubscription(Namespace)]
internal sealed class RecordingGrain(HistoryFile history)
    : Grain, IRecordingGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<TextEvent>
{
    public const string Namespace = "host-events";
    public const string Fatal = "fatal";

    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => handleFactory.Create<TextEvent>().ResumeAsync(this);

    public Task OnNextAsync(IList<SequentialItem<TextEvent>> items)
    {
        if (items.Any(item => item.Item.Identity == Fatal))
        {
            Environment.FailFast("an event that kills its silo");
        }

        history.Write(items.Select(item => item.Item));
        return Task.CompletedTask;
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}

/// <summary>An event: from which stream, of whom, which one.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.StreamHost.TextEvent")]
internal sealed record TextEvent([property: Id(0)] string Source, [property: Id(1)] string Identity, [property: Id(2)] int Number);

/// <summary>Reads <c>identity number</c>.</summary>
internal sealed class TextDecoder : IJetStreamDecoder
{
    public DecodedMessage Decode(in JetStreamMessage message)
    {
        var words = Encoding.UTF8.GetString(message.Payload.Span).Split(' ');
        return DecodedMessage.Event(words[0], new TextEvent(message.Source, words[0], int.Parse(words[1], CultureInfo.InvariantCulture)));
    }
}

/// <summary>
/// A line for each event: when, stream, identity, number. What was written is in the system's hands, and outlives the process.
/// </summary>
internal sealed class HistoryFile(string path) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);

    public void Write(IEnumerable<TextEvent> events)
    {
        lock (_lock)
        {
            var at = TimeProvider.System.GetUtcNow().Ticks;
            var lines = string.Concat(events.Select(one => string.Create(
                CultureInfo.InvariantCulture, $"{at} {one.Source} {one.Identity} {one.Number}\n")));
            _file.Write(Encoding.UTF8.GetBytes(lines));
        }
    }

    public void Dispose() => _file.Dispose();
}
