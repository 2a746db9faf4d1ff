using System.Collections.Concurrent;
using ControlPlane.Flow;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

/// <summary>The gate before an issuer, as its options make it.</summary>
public sealed class IssuerGateTests : IDisposable
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly ConcurrentQueue<GateVerdict.Admitted> places = new();
    private Gate? gate;

    public void Dispose() => gate?.Dispose();

    [Fact]
    public async Task EnterAsync_Admits_NoMoreAtOnceThanTheLimit()
    {
        Open(new IssuerOptions { ConcurrencyMax = 2 });
        Assert.IsType<GateVerdict.Admitted>(await Enter());
        Assert.IsType<GateVerdict.Admitted>(await Enter());
        var third = Enter();
        Assert.False(third.IsCompleted);

        Leave(CallResult.Answered);

        Assert.IsType<GateVerdict.Admitted>(await third);
        Assert.Equal((0, 2), (gate!.Load.Waiting, gate.Load.Running));
    }

    [Fact]
    public async Task EnterAsync_Admits_NoMoreAMinuteThanTheRate()
    {
        Open(new IssuerOptions { RatePerMinute = 120, ConcurrencyMax = 1024, StalledAfter = TimeSpan.FromMinutes(1) });
        var orders = Enumerable.Range(0, 200).Select(_ => Enter()).ToList();

        for (var tick = 0; tick < 600; tick++)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
            await ServeAsync(orders);
        }

        // Two at once at the start, and 120 in the minute after it. Their tasks end a moment later, on other threads.
        var began = TimeProvider.System.GetTimestamp();
        while (gate!.Load.Waiting + orders.Count(order => order.IsCompleted) != orders.Count)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3));
            await Task.Yield();
        }

        Assert.InRange(orders.Count(order => order.IsCompletedSuccessfully), 119, 123);
    }

    [Fact]
    public async Task EnterAsync_ServesHigherPriorityFirst_AndAgeBeforeAll()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1, StalledAfter = TimeSpan.FromMinutes(1) });
        await Enter();
        var served = new List<string>();
        async Task Queue(string name, IssuancePriority priority)
        {
            Assert.IsType<GateVerdict.Admitted>(await Enter(priority));
            served.Add(name);
            Leave(CallResult.Answered);
        }

        var early = Queue("early new node", IssuancePriority.NewNode);
        Pass(TimeSpan.FromSeconds(40));
        var orders = new[]
        {
            early,
            Queue("new node", IssuancePriority.NewNode),
            Queue("renewal", IssuancePriority.Renewal),
            Queue("broker", IssuancePriority.Broker),
        };

        Leave(CallResult.Answered);
        await Task.WhenAll(orders);

        Assert.Equal(["broker", "early new node", "renewal", "new node"], served);
    }

    [Fact]
    public async Task EnterAsync_Defers_WhenTheDeadlineComesFirst()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1, StalledAfter = TimeSpan.FromMinutes(1) });
        await Enter();
        var late = Enter(IssuancePriority.Broker, TimeSpan.FromSeconds(5));

        time.Advance(TimeSpan.FromSeconds(6));

        Assert.IsType<GateVerdict.Deferred>(await late);
        Leave(CallResult.Answered);
        Assert.IsType<GateVerdict.Admitted>(await Enter());
    }

    [Fact]
    public async Task EnterAsync_DefersAtOnce_WhenTheQueueIsFull()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1, QueueMax = 3 });
        await Enter();
        var waiting = Enumerable.Range(0, 3).Select(_ => Enter()).ToList();

        Assert.IsType<GateVerdict.Deferred>(await Enter());

        Assert.All(waiting, order => Assert.False(order.IsCompleted));
    }

    [Fact]
    public async Task EnterAsync_DefersUntilTheTimeTold_WhenTheIssuerThrottles()
    {
        Open(new IssuerOptions());
        await Enter();
        Leave(CallResult.Throttled, TimeSpan.FromSeconds(9));

        Assert.Equal(time.GetUtcNow().AddSeconds(9), Assert.IsType<GateVerdict.Deferred>(await Enter()).RetryAt);

        time.Advance(TimeSpan.FromSeconds(9));
        Assert.IsType<GateVerdict.Admitted>(await Enter());
    }

    [Fact]
    public async Task EnterAsync_LetsOneProbeThrough_AfterTheIssuerFailed()
    {
        Open(new IssuerOptions { BreakAfter = 3, BreakFor = TimeSpan.FromSeconds(5) });
        await FailAsync(3);
        Assert.IsType<GateVerdict.Deferred>(await Enter());

        time.Advance(TimeSpan.FromSeconds(5));
        Assert.IsType<GateVerdict.Admitted>(await Enter());
        Assert.IsType<GateVerdict.Deferred>(await Enter());
        Leave(CallResult.Failed);

        // Twice as long after a failed probe; closed by one that succeeds.
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.IsType<GateVerdict.Deferred>(await Enter());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<GateVerdict.Admitted>(await Enter());
        Leave(CallResult.Answered);
        Assert.IsType<GateVerdict.Admitted>(await Enter());
        Assert.IsType<GateVerdict.Admitted>(await Enter());
    }

    [Fact]
    public async Task EnterAsync_TellsThoseWhoWait_WhenTheIssuerFails()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1, BreakAfter = 1 });
        await Enter();
        var waiting = Enumerable.Range(0, 100).Select(_ => Enter()).ToList();

        Leave(CallResult.Failed);

        Assert.All(await Task.WhenAll(waiting), verdict => Assert.IsType<GateVerdict.Deferred>(verdict));
    }

    [Fact]
    public async Task EnterAsync_TellsThoseWhoWait_WithinSecondsOfAStall()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1, StalledAfter = TimeSpan.FromSeconds(4) });
        await Enter();
        var waiting = Enter();

        Pass(TimeSpan.FromSeconds(5));

        Assert.IsType<GateVerdict.Deferred>(await waiting);
        Leave(CallResult.Answered);
        Assert.IsType<GateVerdict.Admitted>(await Enter());
    }

    [Fact]
    public async Task EnterAsync_NeverSaysThatTheIssuerThrottles_WhenOthersLeaveAtTheSameMoment()
    {
        using var busy = new IssuerOptions { ConcurrencyMax = 1000 }.OpenGate("ca", documentedRate: null, TimeProvider.System);

        await Parallel.ForEachAsync(Enumerable.Range(0, 20_000), async (_, token) =>
        {
            var verdict = await busy.EnterAsync(new GateTicket(Deadline: TimeProvider.System.GetUtcNow().AddMinutes(1)), token);
            Assert.IsType<GateVerdict.Admitted>(verdict).Leave(CallResult.Answered);
        });
    }

    [Fact]
    public async Task EnterAsync_GivesThePlaceBack_WhenTheCallerCancels()
    {
        Open(new IssuerOptions { ConcurrencyMax = 1 });
        await Enter();
        using var cancelled = new CancellationTokenSource();
        var waiting = Keep(gate!.EnterAsync(new GateTicket(Deadline: time.GetUtcNow().AddMinutes(1)), cancelled.Token));
        var behind = Enter();

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Leave(CallResult.Answered);

        Assert.IsType<GateVerdict.Admitted>(await behind);
    }

    private void Open(IssuerOptions options) => gate = options.OpenGate("ca", documentedRate: null, time);

    private Task<GateVerdict> Enter(IssuancePriority priority = IssuancePriority.NewNode, TimeSpan? patience = null)
    {
        var deadline = time.GetUtcNow() + (patience ?? TimeSpan.FromMinutes(10));
        return Keep(gate!.EnterAsync(new GateTicket(Priority: (int)priority, Deadline: deadline), CancellationToken.None));
    }

    private async Task<GateVerdict> Keep(Task<GateVerdict> entering)
    {
        var verdict = await entering;
        if (verdict is GateVerdict.Admitted place)
        {
            places.Enqueue(place);
        }

        return verdict;
    }

    // Which of those that were admitted is answered makes no difference.
    private void Leave(CallResult result, TimeSpan retryAfter = default)
    {
        Assert.True(places.TryDequeue(out var place));
        place.Leave(result, retryAfter);
    }

    private void Pass(TimeSpan passed)
    {
        for (var second = 0; second < passed.TotalSeconds; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private async Task FailAsync(int times)
    {
        for (var failure = 0; failure < times; failure++)
        {
            await Enter();
            Leave(CallResult.Failed);
        }
    }

    private readonly HashSet<Task<GateVerdict>> left = [];

    // Whoever was admitted is answered at once, so that only the rate holds them.
    private async Task ServeAsync(IEnumerable<Task<GateVerdict>> orders)
    {
        foreach (var order in orders.Where(order => order.IsCompletedSuccessfully && left.Add(order)))
        {
            Assert.IsType<GateVerdict.Admitted>(await order);
            Leave(CallResult.Answered);
        }
    }
}
