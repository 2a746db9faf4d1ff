using System.Reflection;
using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What a queue needs goes on, also after a fault that nobody thought of.</summary>
public sealed class QueueLoopTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public async Task Acknowledging_IsBegunAgain_WhenTheConnectionThrowsWhatItNeverThrows()
    {
        using var stopping = new CancellationTokenSource();
        var window = new AckWindow();
        window.Hold(Held());
        var acknowledger = new Acknowledger(
            DispatchProxy.Create<INatsConnection, Throwing>(), window, TimeSpan.FromSeconds(30), time);
        var defects = 0;
        var running = QueueLoop.RunAsync(acknowledger.KeepInProgressAsync, _ => defects++, time, stopping.Token);

        while (defects < 3)
        {
            time.Advance(TimeSpan.FromSeconds(31));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TestContext.Current.CancellationToken);
        }

        Assert.False(running.IsCompleted);
        await stopping.CancelAsync();
        await running;
    }

    private static HeldMessage Held() => new()
    {
        Message = new JetStreamMessage("queue", "subject", null, Array.Empty<byte>(), 1, DateTimeOffset.UnixEpoch),
        Position = 1,
        Epoch = 1,
        AckSubject = "$JS.ACK.stream.consumer.1.1.1.1.1",
        Size = 0,
        Stream = default,
        Events = [],
        HeardAt = 0,
    };

    public class Throwing : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new InvalidOperationException("broken");
    }
}
