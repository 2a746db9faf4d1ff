using System.Globalization;

namespace ControlPlane.Adapters.Nats;

/// <summary>Events of a queue are gone without having been delivered. Consumers get it in <c>OnErrorAsync</c>, once per gap.</summary>
[GenerateSerializer, Alias("ControlPlane.Adapters.Nats.JetStreamDataLostException")]
public sealed class JetStreamDataLostException(string queue, LostMessages lost) : Exception(Describe(queue, lost))
{
    /// <summary>The queue that they were in.</summary>
    [Id(0)]
    public string Queue { get; } = queue;

    /// <summary>Which they were.</summary>
    [Id(1)]
    public LostMessages Lost { get; } = lost;

    private static string Describe(string queue, LostMessages lost) =>
        $"queue '{queue}' lost messages {lost.From} to {lost.Through?.ToString(CultureInfo.InvariantCulture) ?? "its end"}: {lost.Reason}";
}
