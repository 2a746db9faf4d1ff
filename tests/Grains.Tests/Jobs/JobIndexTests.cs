using ControlPlane.Jobs;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Which jobs are woken and listed, whatever the register of ended jobs has forgotten.</summary>
public sealed class JobIndexTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryRegister forever = new();
    private MemoryRegister forgetful = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private JobIndex Index => new(forever, forgetful, time);

    [Fact]
    public async Task AnUnfinishedJob_IsWokenAndListed_HoweverLongItTakes()
    {
        await Index.WriteUnfinishedAsync(Job("waits", JobState.Waiting), Token);
        await Index.WriteUnfinishedPartAsync("waits@a", Token);
        time.Advance(TimeSpan.FromDays(29));
        forgetful = new MemoryRegister();

        Assert.Equal(["waits"], await Index.ListUnfinishedAsync(Token));
        Assert.Equal(["waits@a"], await Index.ListUnfinishedPartsAsync(Token));
        Assert.Equal(["waits"], await ListAsync(10));
    }

    [Fact]
    public async Task AJobThatHasEnded_IsListed_AndNotWoken()
    {
        await Index.WriteUnfinishedAsync(Job("done", JobState.Running), Token);
        await Index.WriteEndedAsync(Job("done", JobState.Completed), Token);

        Assert.Empty(await Index.ListUnfinishedAsync(Token));
        Assert.Equal(JobState.Completed, Assert.Single(await Index.ListAsync(_ => true, 10, Token)).State);

        // Its targets are tried again.
        await Index.WriteUnfinishedAsync(Job("done", JobState.Running), Token);
        Assert.Equal(JobState.Running, Assert.Single(await Index.ListAsync(_ => true, 10, Token)).State);
    }

    [Fact]
    public async Task Jobs_AreListedNewestFirst_WhetherTheyHaveEndedOrNot()
    {
        await Index.WriteUnfinishedAsync(Job("old", JobState.Paused), Token);
        time.Advance(TimeSpan.FromDays(2));
        await Index.WriteEndedAsync(Job("middle", JobState.Completed), Token);
        time.Advance(TimeSpan.FromDays(1));
        await Index.WriteEndedAsync(Job("new", JobState.Aborted), Token);

        Assert.Equal(["new", "middle", "old"], await ListAsync(10));
        Assert.Equal(["new", "middle"], await ListAsync(2));
    }

    private async Task<IEnumerable<string>> ListAsync(int limit) => (await Index.ListAsync(_ => true, limit, Token)).Select(job => job.Id);

    private JobSummary Job(string id, JobState state) =>
        new(id, "puppet", "runonce", "ann", state, "", 0, 1, TargetCounts.None, time.GetUtcNow(), null);
}
