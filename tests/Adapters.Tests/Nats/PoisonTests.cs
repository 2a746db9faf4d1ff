using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What cannot be read or keeps failing becomes a dead letter, alone, and the rest goes on.</summary>
public sealed class PoisonTests
{
    private static readonly NatsServerSettings Newest = new() { JetStream = true, Program = NatsPrograms.Newest };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Defect 1.2.5: a message that cannot be read is redelivered for ever, with the batch that it is in.
    [Fact]
    public async Task Message_BecomesADeadLetter_WhenPoisonIsInTheMiddleOfABatch()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", ["a", "b"], 0, 20, Cancelled);
        await Publisher.PublishAsync(connection, "src", "! rubbish", Cancelled);
        await Publisher.PublishAsync(connection, "src", "no-number", Cancelled);
        await Publisher.PublishAsync(connection, "src", "- of no interest", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", ["a", "b"], 20, 20, Cancelled);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)]);

        await cluster.UntilDeliveredAsync(80, Cancelled);
        await Readiness.UntilAsync(
            async token => await cluster.DeadLetters.ListAsync(
                "src", cancellationToken: token).CountAsync(token) == 2, "2 dead letters", Cancelled, () => cluster.Log.ToString());
        Assert.Empty(cluster.History.Faults([("src", "a"), ("src", "b")], 40));
        var letters = await cluster.DeadLetters.ListAsync("src", cancellationToken: Cancelled).ToListAsync(Cancelled);
        Assert.Equal([41ul, 42ul], letters.Select(letter => letter.Sequence));
        Assert.Equal("! rubbish", Encoding.UTF8.GetString(letters[0].Payload.Span));
        Assert.Equal("src.event.x", letters[0].Subject);
        Assert.Contains("begins with '!'", letters[0].Reason, StringComparison.Ordinal);
        Assert.Contains("IndexOutOfRangeException", letters[1].Reason, StringComparison.Ordinal);

        Assert.True(await cluster.DeadLetters.DropAsync("src", letters[0].Id, Cancelled));
        Assert.False(await cluster.DeadLetters.DropAsync("src", letters[0].Id, Cancelled));
        Assert.Null(await cluster.DeadLetters.FindAsync("src", letters[0].Id, Cancelled));
        await Readiness.UntilAsync(_ => Task.FromResult(cluster.Queues.All(queue => queue.HeldMessages == 0)), "nothing held", Cancelled);
    }

    [Fact]
    public async Task Event_BecomesADeadLetterAndCanBeReplayed_WhenItAloneFailsItsConsumer()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", ["a", "b", "c"], 0, 20, Cancelled);
        var history = new History
        {
            OnDelivery = one => one.Event is { Identity: "b", Number: 7 }
                ? throw new InvalidOperationException("not this one")
                : Task.CompletedTask,
        };
        await using var cluster = await StreamCluster.StartAsync(
            1, [("src", server.Url)], options => options.DeliveryRetryTime = TimeSpan.FromSeconds(1), history: history);

        await Readiness.UntilAsync(
            async token => await cluster.DeadLetters.ListAsync("src", cancellationToken: token).AnyAsync(token),
            "a dead letter",
            Cancelled,
            () => cluster.Log.ToString());
        await Readiness.UntilAsync(
            _ => Task.FromResult(history.DistinctBodies("src") == 59), "the other 59", Cancelled, () => cluster.Log.ToString());
        history.OnDelivery = _ => Task.CompletedTask;
        var letter = await cluster.DeadLetters.ListAsync("src", cancellationToken: Cancelled).FirstAsync(Cancelled);
        Assert.Equal("b 7", Encoding.UTF8.GetString(letter.Payload.Span));

        Assert.True(await cluster.DeadLetters.ReplayAsync("src", letter.Id, Cancelled));
        Assert.False(await cluster.DeadLetters.ReplayAsync("src", letter.Id, Cancelled));
        await Readiness.UntilAsync(
            _ => Task.FromResult(history.All.Any(one => one.Event is { Identity: "b", Number: 7 })), "the replayed one", Cancelled);
        Assert.False(await cluster.DeadLetters.ListAsync("src", cancellationToken: Cancelled).AnyAsync(Cancelled));
    }

    [Fact]
    public async Task Event_BecomesADeadLetter_WhenItFailedAsOftenAsIsTried()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", ["a"], 0, 1, Cancelled);
        var attempts = 0;
        var history = new History
        {
            OnDelivery = _ =>
            {
                Interlocked.Increment(ref attempts);
                throw new InvalidOperationException("never");
            },
        };
        await using var cluster = await StreamCluster.StartAsync(
            1,
            [("src", server.Url)],
            options =>
            {
                options.DeliveryRetryTime = TimeSpan.FromHours(1);
                options.DeliveryAttemptsMax = 3;
            },
            history: history);

        await Readiness.UntilAsync(
            async token => await cluster.DeadLetters.ListAsync("src", cancellationToken: token).AnyAsync(token),
            "a dead letter",
            Cancelled,
            () => cluster.Log.ToString());
        var letter = await cluster.DeadLetters.ListAsync("src", cancellationToken: Cancelled).FirstAsync(Cancelled);
        Assert.Equal(3, attempts);
        Assert.Contains("failed 3 times", letter.Reason, StringComparison.Ordinal);
    }
}
