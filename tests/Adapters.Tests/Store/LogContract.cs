using System.Text;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;

namespace ControlPlane.Adapters.Tests.Store;

/// <summary>What every log promises.</summary>
public abstract class LogContract
{
    private static int lastTopic;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>One of the test's own, with letters that mean something to brokers.</summary>
    protected string Topic { get; } = $"a.b * > {Interlocked.Increment(ref lastTopic)} ü\r\n";

    protected abstract ILog Log { get; }

    [Fact]
    public async Task AppendAsync_GivesGrowingPositions_AndReadAsyncWhatWasAppended_InOrder()
    {
        var first = await AppendAsync("1");
        await Log.AppendAsync(Record("other", Topic + "/other"), expected: null, Cancel);
        var second = await AppendAsync("2");
        var empty = await Log.AppendAsync(new LogRecord(Topic, Id: null, ReadOnlyMemory<byte>.Empty), expected: null, Cancel);

        Assert.True(first < second && second < empty);
        Assert.Equal([(first, "1"), (second, "2"), (empty, "")], await ReadAsync(after: 0));
        Assert.Equal([(second, "2"), (empty, "")], await ReadAsync(first));
        Assert.Empty(await ReadAsync(empty));
    }

    [Fact]
    public async Task AppendAsync_Refuses_WhenTheTopicEndsElsewhere()
    {
        var first = await Log.AppendAsync(Record("1"), expected: 0, Cancel);
        await Log.AppendAsync(Record("other", Topic + "/other"), expected: null, Cancel);

        await Assert.ThrowsAsync<StoreConflictException>(() => Log.AppendAsync(Record("2"), expected: 0, Cancel));
        await Assert.ThrowsAsync<StoreConflictException>(() => Log.AppendAsync(Record("2"), first + 1, Cancel));
        var second = await Log.AppendAsync(Record("2"), first, Cancel);

        Assert.Equal([(first, "1"), (second, "2")], await ReadAsync(after: 0));
    }

    [Fact]
    public async Task AppendAsync_LetsOneWin_WhenManyExpectTheSame()
    {
        var tries = await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            try
            {
                await Log.AppendAsync(Record($"{number}"), expected: 0, Cancel);
                return 1;
            }
            catch (StoreConflictException)
            {
                return 0;
            }
        }));

        Assert.Equal(1, tries.Sum());
        Assert.Single(await ReadAsync(after: 0));
    }

    [Fact]
    public async Task AppendAsync_StoresOnce_UnderOneId()
    {
        var record = Record("1") with { Id = $"{Topic}: \r\n=1" };
        var position = await Log.AppendAsync(record, expected: 0, Cancel);

        Assert.Equal(position, await Log.AppendAsync(record, expected: 0, Cancel));
        Assert.Equal(position, await Log.AppendAsync(record, expected: null, Cancel));
        Assert.Equal([(position, "1")], await ReadAsync(after: 0));
        Assert.Equal(record.Id, (await Log.FindLastAsync(Topic, Cancel))!.Record.Id);

        // Once another one follows it may be refused or known, but it is not stored again.
        var next = await AppendAsync("2");
        await Xunit.Record.ExceptionAsync(() => Log.AppendAsync(record, expected: 0, Cancel));
        Assert.Equal([(position, "1"), (next, "2")], await ReadAsync(after: 0));
    }

    [Fact]
    public async Task AppendAsync_RefusesClearly_WhatIsTooLarge()
    {
        var content = new byte[StoreLimits.ContentBytesMax + 1];

        await Assert.ThrowsAsync<ArgumentException>(() => Log.AppendAsync(new LogRecord(Topic, null, content), null, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Log.AppendAsync(Record("1", new string('t', StoreLimits.NameBytesMax + 1)), null, Cancel));
        await Log.AppendAsync(new LogRecord(Topic, null, content.AsMemory(1)), null, Cancel);
        await Log.AppendAsync(Record("1", Topic + new string('ü', 200)), null, Cancel);
    }

    [Fact]
    public async Task FindLastAsync_IsTheLastOfItsTopic()
    {
        Assert.Null(await Log.FindLastAsync(Topic, Cancel));
        await AppendAsync("1");
        var position = await Log.AppendAsync(Record("2") with { Id = "id" + Topic }, null, Cancel);
        await Log.AppendAsync(Record("other", Topic + "/other"), null, Cancel);

        var last = (await Log.FindLastAsync(Topic, Cancel))!;

        Assert.Equal((position, Topic, "id" + Topic, "2"), (last.Position, last.Record.Topic, last.Record.Id, Text(last.Record)));
    }

    [Fact]
    public async Task FollowAsync_GivesWhatIsThere_AndThenWhatComes()
    {
        var before = await AppendAsync("before");
        await using var follower = Log.FollowAsync(before - 1, Cancel).GetAsyncEnumerator(Cancel);

        Assert.Equal("before", await NextAsync(follower));
        var next = follower.MoveNextAsync();
        await AppendAsync("after");

        Assert.True(await next);
        var came = Assert.IsType<LogItem.Entry>(follower.Current);
        Assert.Equal((Topic, "after"), (came.Record.Topic, Text(came.Record)));
        Assert.Equal(new LogPositions(1, came.Position), await Log.GetPositionsAsync(Cancel));
    }

    [Fact]
    public async Task FollowAsync_MissesNothing_WhateverTheNumber()
    {
        const int count = 1_500;
        var before = (await Log.GetPositionsAsync(Cancel)).Last;
        var writing = Task.Run(
            async () =>
            {
                for (var number = 0; number < count; number++)
                {
                    await AppendAsync($"{number}");
                }
            },
            Cancel);

        var read = await Log.FollowAsync(before, Cancel).Take(count).ToListAsync(Cancel);
        await writing;

        Assert.Equal(Enumerable.Range(0, count).Select(number => $"{number}"), read.Select(item => Text(((LogItem.Entry)item).Record)));
    }

    protected Task<ulong> AppendAsync(string text) => Log.AppendAsync(Record(text), expected: null, Cancel);

    protected async Task<IReadOnlyList<(ulong Position, string Text)>> ReadAsync(ulong after) =>
        await Log.ReadAsync(Topic, after, Cancel).Cast<LogItem.Entry>()
            .Select(entry => (entry.Position, Text(entry.Record))).ToListAsync(Cancel);

    protected static async Task<string> NextAsync(IAsyncEnumerator<LogItem> follower)
    {
        Assert.True(await follower.MoveNextAsync());
        return Text(Assert.IsType<LogItem.Entry>(follower.Current).Record);
    }

    protected static string Text(LogRecord record) => Encoding.UTF8.GetString(record.Content.Span);

    private LogRecord Record(string text, string? topic = null) => new(topic ?? Topic, Id: null, Encoding.UTF8.GetBytes(text));
}

public sealed class MemoryLogTests : LogContract
{
    protected override ILog Log { get; } = new MemoryLog();
}
