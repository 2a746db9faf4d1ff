using ControlPlane.Flow;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Flow;

/// <summary>A gate by itself; with a rate, deadlines and a breaker it stands before issuers (<c>IssuerGateTests</c>).</summary>
public sealed class GateTests : IDisposable
{
    private const int WaitingMax = 10;
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly Gate gate = new(
        new GateBounds("nodes", "enrolling", 1, WaitingMax, TimeSpan.FromSeconds(5)), new FakeTimeProvider(Start));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => gate.Dispose();

    [Fact]
    public async Task EnterAsync_LetsTheLongestWaitingInFirst()
    {
        var first = await Enter(0);
        var young = Enter(2);
        var old = Enter(1);
        Assert.Equal(new GateLoad(1, 1, 2, 1), gate.Load);

        first.Dispose();
        var second = await old;
        Assert.False(young.IsCompleted);

        second.Dispose();
        (await young).Dispose();
        Assert.Equal(new GateLoad(1, 0, 0, 0), gate.Load);
    }

    [Fact]
    public async Task EnterAsync_LetsPriorityInFirst_AndTheOthersByTheirTurns()
    {
        using var wide = new Gate(
            new GateBounds("batches", "sending", 2, int.MaxValue, TimeSpan.FromSeconds(5)), new FakeTimeProvider(Start));
        List<IDisposable> inside =
        [
            (await wide.EnterAsync(new GateTicket("job0", Start), Token)).Place,
            (await wide.EnterAsync(new GateTicket("job1", Start), Token)).Place,
        ];
        var waiting = Enumerable.Range(0, 200)
            .ToDictionary(job => $"job{job}", job => wide.EnterAsync(new GateTicket($"job{job}", Start), Token));
        waiting["urgent"] = wide.EnterAsync(new GateTicket("urgent", Start.AddMinutes(1), Priority: 120), Token);

        // Two hundred jobs come again as soon as they have left, and each has had its turn before any has its second.
        var turns = new List<string>();
        while (turns.Count < 401)
        {
            inside[0].Dispose();
            inside.RemoveAt(0);
            var (job, _) = await FirstAsync();
            turns.Add(job);
            inside.Add((await waiting[job]).Place);
            waiting.Remove(job);
            if (job != "urgent")
            {
                waiting[job] = wide.EnterAsync(new GateTicket(job, Start.AddSeconds(turns.Count)), Token);
            }
        }

        Assert.Equal("urgent", turns[0]);
        Assert.Equal(200, turns.Skip(1).Take(200).Distinct().Count());
        Assert.Equal(200, turns.Skip(201).Take(200).Distinct().Count());

        async Task<(string Job, Task<GateVerdict> Verdict)> FirstAsync()
        {
            await Task.WhenAny(waiting.Values);
            var (job, verdict) = waiting.Single(one => one.Value.IsCompleted);
            return (job, verdict);
        }
    }

    [Fact]
    public async Task EnterAsync_LosesNoPlace_WhenOneWhoWaitsGivesUp()
    {
        var first = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = gate.EnterAsync(new GateTicket("a", Start), impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        first.Dispose();
        Assert.NotNull(await Enter(0));
    }

    [Fact]
    public async Task Dispose_FreesAPlaceOnce_ThoughCalledTwice()
    {
        var first = await Enter(0);
        first.Dispose();
        first.Dispose();

        using var second = await Enter(0);
        Assert.False(Enter(0).IsCompleted);
    }

    [Fact]
    public async Task LimitTo_LetsMoreIn_AndFewerOnceEnoughHaveLeft()
    {
        var first = await Enter(0);
        var second = Enter(1);
        var third = Enter(2);

        gate.LimitTo(2);
        using var place = await second;
        Assert.False(third.IsCompleted);

        gate.LimitTo(1);
        first.Dispose();
        Assert.False(third.IsCompleted);

        place.Dispose();
        Assert.NotNull(await third);
    }

    [Fact]
    public async Task Load_ForgetsThoseWhoGaveUp_AndNobodyElse()
    {
        using var running = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = gate.EnterAsync(new GateTicket("a", Start), impatience.Token);
        var newcomer = Enter(0);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        Assert.False(newcomer.IsCompleted);
        Assert.Equal(new GateLoad(1, 1, 1, 1), gate.Load);
    }

    [Fact]
    public async Task EnterAsync_LetsEachInOnce_ThoughManyGiveUp_BeforeAndAfterTheirTurn()
    {
        var first = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = Enumerable.Range(0, 3).Select(one => gate.EnterAsync(new GateTicket("a", Start), impatience.Token)).ToList();
        var staying = Enumerable.Range(0, 5).Select(Enter).ToList();
        await impatience.CancelAsync();
        await Task.WhenAll(leaving.Select(one => Assert.ThrowsAnyAsync<OperationCanceledException>(() => one)));
        Assert.Equal(new GateLoad(1, 1, 5, 1), gate.Load);

        first.Dispose();
        for (var one = 0; one < staying.Count; one++)
        {
            var place = await staying[one];
            Assert.Equal(new GateLoad(1, 1, staying.Count - one - 1, 1), gate.Load);
            place.Dispose();
        }

        Assert.Equal(new GateLoad(1, 0, 0, 0), gate.Load);
    }

    [Fact]
    public async Task EnterAsync_TurnsAway_WhenSoManyWaitAlready_AndNotThoseWhoGaveUp()
    {
        using var running = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = gate.EnterAsync(new GateTicket("a", Start), impatience.Token);
        var waiting = Enumerable.Range(1, WaitingMax - 1).Select(Enter).ToList();

        var away = Assert.IsType<GateVerdict.Deferred>(await gate.EnterAsync(new GateTicket("a"), Token));
        Assert.Equal(("10 nodes wait for enrolling already", Start.AddSeconds(5)), (away.Reason, away.RetryAt));
        Assert.Throws<InvalidOperationException>(() => away.Place);

        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        Assert.False(Enter(WaitingMax).IsCompleted);
        Assert.All(waiting, one => Assert.False(one.IsCompleted));
    }

    [Fact]
    public async Task EnterAsync_LetsNoMoreIn_AndNobodyTwice_WhenThousandsComeAndGiveUpAtOnce()
    {
        const int places = 8;
        using var busy = new Gate(
            new GateBounds("nodes", "enrolling", places, int.MaxValue, TimeSpan.FromSeconds(5)), TimeProvider.System);
        var (inside, most, served, gaveUp) = (0, 0, 0, 0);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 20_000),
            new ParallelOptions { MaxDegreeOfParallelism = 200, CancellationToken = Token },
            async (one, token) =>
            {
                using var impatience = CancellationTokenSource.CreateLinkedTokenSource(token);
                var entering = busy.EnterAsync(new GateTicket($"group{one % 7}", Start, one % 3), impatience.Token);
                if (one % 5 == 0)
                {
                    await impatience.CancelAsync();
                }

                try
                {
                    using var place = (await entering).Place;
                    InterlockedMost(ref most, Interlocked.Increment(ref inside));
                    await Task.Yield();
                    Interlocked.Increment(ref served);
                    Interlocked.Decrement(ref inside);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref gaveUp);
                }
            });

        Assert.InRange(most, 1, places);
        Assert.Equal(20_000, served + gaveUp);
        Assert.InRange(gaveUp, 0, 4_000);
        Assert.Equal(new GateLoad(places, 0, 0, 0), busy.Load);
    }

    private static void InterlockedMost(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private async Task<IDisposable> Enter(int minutes) =>
        (await gate.EnterAsync(new GateTicket("a", Start.AddMinutes(minutes)), Token)).Place;
}
