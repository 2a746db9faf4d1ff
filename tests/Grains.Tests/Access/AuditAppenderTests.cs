using ControlPlane.Access;
using ControlPlane.Store;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Store;
using CsCheck;

namespace ControlPlane.Grains.Tests.Access;

/// <summary>How records come into the log: before their calls, once, in one chain; and what happens when they cannot.</summary>
public sealed class AuditAppenderTests : IDisposable
{
    private readonly MemoryLog log = new();
    private readonly MemoryJournal journal = new();
    private readonly List<AuditSilo> silos = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => silos.ForEach(silo => silo.Dispose());

    [Fact]
    public async Task BeginAsync_ReturnsAfterTheRecordIsInTheLog_AndEndAsyncAddsTheOutcome()
    {
        var silo = Start();

        var call = await silo.BeginAsync("web1");
        var record = Assert.Single(await log.RecordsAsync(Cancel));
        await silo.Trail.EndAsync(call, "202");
        await silo.SettleAsync();

        Assert.Equal((AuditKind.Call, call.Id, "web1", "alice"), (record.Kind, record.Id, record.On?.Node, record.Who?.Principal));
        Assert.Equal(("rule 1", "v1", "new disk"), (record.Decision?.Rule, record.Decision?.Policy, record.Reason));
        var outcome = (await log.RecordsAsync(Cancel))[1];
        Assert.Equal((AuditKind.Outcome, call.Id, "web1", "202"), (outcome.Kind, outcome.Id, outcome.On?.Node, outcome.Outcome));
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task BeginAsync_WritesThoseThatWaitInOneGo()
    {
        var silo = Start();

        await Task.WhenAll(Enumerable.Range(0, 200).Select(number => silo.BeginAsync($"web{number}")));

        Assert.Equal(200, (await log.RecordsAsync(Cancel)).Count);
        Assert.InRange(log.Records.Count, 1, 100);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task BeginAsync_Refuses_WhileTheLogIsAway_AndGoesOnWhenItIsBack()
    {
        var silo = Start();
        await silo.CallAsync("web1");
        await silo.SettleAsync();
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");

        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web2"));
        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web3"));
        await silo.CatchUpAsync();
        Assert.NotNull(silo.Fault);

        log.BeforeAnswer = null;
        await silo.CatchUpAsync();
        await silo.CallAsync("web4");
        await silo.SettleAsync();

        Assert.Null(silo.Fault);
        AssertNotMade(await log.RecordsAsync(Cancel), "web2");
        Assert.DoesNotContain(await log.RecordsAsync(Cancel), record => record.On?.Node == "web3");
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task BeginAsync_Refuses_AndTheRecordSaysThatTheCallWasNotMade_WhenTheAnswerWasLost()
    {
        var silo = Start();
        await silo.CallAsync("web1");
        await silo.SettleAsync();
        log.AfterAppend = _ => throw new StoreUnavailableException("no answer");

        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web2"));
        log.AfterAppend = null;
        await silo.CatchUpAsync();
        await silo.SettleAsync();

        var records = await log.RecordsAsync(Cancel);
        Assert.Single(records, record => record is { Kind: AuditKind.Call, On.Node: "web2" });
        AssertNotMade(records, "web2");
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task EndAsync_IsRecordedLater_WhenTheLogWentAwayMeanwhile()
    {
        var silo = Start();
        var call = await silo.BeginAsync("web1");
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");

        await silo.Trail.EndAsync(call, "202");
        log.BeforeAnswer = null;
        while (silo.Backlog > 0)
        {
            await silo.CatchUpAsync();
        }

        Assert.Equal([AuditKind.Call, AuditKind.Outcome], (await log.RecordsAsync(Cancel)).Select(record => record.Kind));
    }

    [Fact]
    public async Task BeginAsync_IsKeptByTheJournalAlone_WhileTheGlassIsBroken_AndTheLogIsGivenItLater()
    {
        var silo = Start(journal);
        await silo.CallAsync("web1");
        await silo.SettleAsync();
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");
        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web2"));

        silo.IsOn = true;
        await silo.CallAsync("web3");
        await silo.CallAsync("web4");
        Assert.NotNull(silo.Fault);

        // The silo dies before the log is back.
        log.BeforeAnswer = null;
        var next = Start(journal);
        await next.CatchUpAsync();
        await next.CallAsync("web5");
        await next.SettleAsync();

        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(
            ["web3", "web4"],
            records.Where(record => record is { BreakGlass: true, Kind: AuditKind.Call }).Select(record => record.On?.Node));
        Assert.Equal(records.DistinctBy(record => (record.Id, record.Kind)).Count(), records.Count);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task BeginAsync_IsKeptByTheJournal_WhenTheSiloStartsWhileTheLogIsAway_AndTheGlassIsBroken()
    {
        var silo = Start(journal);
        await silo.CallAsync("web1");
        await silo.SettleAsync();
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");
        var next = Start(journal);
        next.IsOn = true;

        await next.CallAsync("web2");
        log.BeforeAnswer = null;
        while (next.Backlog > 0)
        {
            await next.CatchUpAsync();
        }

        var calls = (await log.RecordsAsync(Cancel)).Where(record => record.Kind == AuditKind.Call);
        Assert.Equal(["web1", "web2"], calls.Select(record => record.On!.Node!));
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task TheLog_IsGivenAgainWhatItLost_FromTheJournal()
    {
        var silo = Start(journal);
        for (var number = 0; number < 10; number++)
        {
            await silo.CallAsync($"web{number}");
            await silo.SettleAsync();
        }

        var before = await log.LinesAsync(Cancel);
        log.LoseEnd(7);

        // Found by the next record, and by the next start.
        await silo.CallAsync("web10");
        await silo.SettleAsync();
        Assert.Equal(before.Select(line => line.Hash), (await log.LinesAsync(Cancel)).Take(before.Count).Select(line => line.Hash));
        log.LoseEnd(7);
        await Start(journal).CatchUpAsync();

        Assert.Equal(22, (await log.RecordsAsync(Cancel)).Count);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task WhatTheLogLost_IsAGapInTheChain_WithoutAJournal()
    {
        var silo = Start();
        foreach (var node in new[] { "web1", "web2", "web3" })
        {
            await silo.BeginAsync(node);
        }

        log.LoseEnd(2);
        await silo.BeginAsync("web4");

        Assert.Contains("records between 1 and 4 are missing", Assert.Single((await log.LinesAsync(Cancel)).Verify().Faults));
    }

    [Fact]
    public async Task BeginAsync_Refuses_WhenTheJournalsDiskIsFull()
    {
        var silo = Start(journal);
        await silo.CallAsync("web1");
        journal.IsFull = true;

        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web2"));
        journal.IsFull = false;
        await silo.CallAsync("web3");
        await silo.SettleAsync();

        AssertNotMade(await log.RecordsAsync(Cancel), "web2");
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task TwoSilosOfOneName_NeitherForkTheChainNorLoseARecord()
    {
        var (one, other) = (Start(), Start());

        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => (number % 2 == 0 ? one : other).CallAsync($"web{number}")));
        await one.SettleAsync();
        await other.SettleAsync();

        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(200, records.Count);
        Assert.Equal(200, records.DistinctBy(record => (record.Id, record.Kind)).Count());
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task BeginAsync_IsCut_ToWhatALogTakes()
    {
        var silo = Start();
        var long10k = new string('\u0001', 10_000);
        await silo.Trail.BeginAsync(
            new Caller
            {
                Principal = long10k, Method = CallerMethod.Oidc, Groups = [.. Enumerable.Repeat(long10k, 200)], CredentialId = long10k,
            },
            new AccessRequest(Permissions.NodesReprovision)
            {
                Node = long10k,
                Reason = long10k,
                Parameters = Enumerable.Range(0, 200).ToDictionary(number => $"{number}", _ => long10k),
            },
            AuditSilo.Allowed,
            Cancel);

        var record = Assert.Single(log.Records);
        Assert.InRange(record.Content.Length, 1, StoreLimits.ContentBytesMax);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public void WhateverFails_EveryCallThatWasLetGoOnIsInTheLogOnce_BeforeIt() => Gen.Select(
        Gen.Int[0, 4].Array[1, 40], Gen.Bool).Sample(
            (steps, hasJournal) => RunAsync(steps, hasJournal).GetAwaiter().GetResult(), iter: 200, threads: 1);

    // 0, 1: a call; 2: one whose answer is lost; 3: the log is away for one; 4: the silo dies and another starts.
    private static async Task RunAsync(int[] steps, bool hasJournal)
    {
        var log = new MemoryLog();
        var journal = hasJournal ? new MemoryJournal() : null;
        var silo = new AuditSilo(log, journal: journal);
        var made = new List<string>();
        foreach (var (number, step) in steps.Index())
        {
            log.AfterAppend = step == 2 ? _ => throw new StoreUnavailableException("no answer") : null;
            log.BeforeAnswer = step == 3 ? () => throw new StoreUnavailableException("away") : null;
            if (step == 4)
            {
                silo.Dispose();
                silo = new AuditSilo(log, journal: journal);
            }

            try
            {
                var call = await silo.BeginAsync($"web{number}");
                Assert.Contains(await log.RecordsAsync(Cancel), record => record.Id == call.Id && record.Kind == AuditKind.Call);
                made.Add(call.Id);
                await silo.Trail.EndAsync(call, "202");
            }
            catch (AuditUnavailableException) when (step is 2 or 3)
            {
                // Not made.
            }

            (log.AfterAppend, log.BeforeAnswer) = (null, null);
            await silo.CatchUpAsync();
            await silo.SettleAsync();
        }

        silo.Dispose();
        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(records.Count, records.DistinctBy(record => (record.Id, record.Kind)).Count());
        Assert.Equal(made, records.Where(record => record.Outcome == "202").Select(record => record.Id));
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    private AuditSilo Start(MemoryJournal? on = null)
    {
        silos.Add(new AuditSilo(log, journal: on));
        return silos[^1];
    }

    private static void AssertNotMade(IReadOnlyList<AuditRecord> records, string node)
    {
        var id = Assert.Single(records, record => record.Kind == AuditKind.Call && record.On?.Node == node).Id;
        Assert.StartsWith("not made", Assert.Single(records, record => record.Kind == AuditKind.Outcome && record.Id == id).Outcome);
    }
}
