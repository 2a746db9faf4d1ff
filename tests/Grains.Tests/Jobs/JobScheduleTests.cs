using ControlPlane.Access;
using ControlPlane.Jobs;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>When schedules begin jobs, and that each time begins one.</summary>
public sealed class JobScheduleTests
{
    private static readonly JobSubmitter Ann = JobSubmitter.Of(new Caller { Principal = "ann", Method = CallerMethod.Oidc });
    private static readonly JobSchedule EachNight = new(JobWorld.Spec(), "0 2 * * *");

    private readonly FakeTimeProvider time = new(Utc("2026-06-01T00:00"));
    private readonly ScheduledJobs jobs = new();
    private readonly StoredSchedule stored = new();
    private readonly MemoryRegister register = new();
    private readonly JobScheduleWork work;

    public JobScheduleTests() => work = Activate();

    private JobScheduleRecord Record => stored.Stored;

    [Fact]
    public async Task ATimeThatComes_BeginsAJobOfItsOwn_AsWhoAppliedTheSchedule()
    {
        await work.ApplyAsync(EachNight, Ann);
        await GoOnAsync(work, "2026-06-01T01:59");
        Assert.Empty(jobs.Submitted);

        await GoOnAsync(work, "2026-06-01T02:00");
        await GoOnAsync(work, "2026-06-01T02:01");
        jobs.End("n-202606010200");
        await GoOnAsync(work, "2026-06-02T02:00");

        Assert.Equal(["n-202606010200 ann", "n-202606020200 ann"], jobs.Submitted);
        Assert.Equal((ScheduledRunState.Begun, "n-202606020200"), (Record.LastRun!.State, Record.LastJob));
        Assert.Equal("system", CallerContext.Actor);
        var snapshot = Record.ToSnapshot("n", time.GetUtcNow());
        Assert.Equal((Utc("2026-06-03T02:00"), "ann"), (snapshot.NextRun, snapshot.Owner));
    }

    [Fact]
    public async Task ASiloThatEnds_BetweenStoringAndSubmitting_BeginsTheJobOnce()
    {
        await work.ApplyAsync(EachNight, Ann);
        stored.EndsAfter = record => record.LastRun is { State: ScheduledRunState.Due };
        await Assert.ThrowsAsync<SiloEndedException>(() => GoOnAsync(work, "2026-06-01T02:00"));
        Assert.Empty(jobs.Submitted);

        await GoOnAsync(Activate(), "2026-06-01T02:01");

        Assert.Equal(["n-202606010200 ann"], jobs.Submitted);
        Assert.Equal(ScheduledRunState.Begun, Record.LastRun!.State);
    }

    [Fact]
    public async Task ASiloThatEnds_BetweenSubmittingAndStoring_BeginsTheJobOnce()
    {
        await work.ApplyAsync(EachNight, Ann);
        jobs.AfterSubmit = () => stored.IsAway = true;
        await Assert.ThrowsAsync<SiloEndedException>(() => GoOnAsync(work, "2026-06-01T02:00"));
        Assert.Equal(ScheduledRunState.Due, Record.LastRun!.State);

        (jobs.AfterSubmit, stored.IsAway) = (null, false);
        await GoOnAsync(Activate(), "2026-06-01T02:01");

        Assert.Equal(["n-202606010200 ann", "n-202606010200 ann"], jobs.Submitted);
        Assert.Single(jobs.Taken);
        Assert.Equal((ScheduledRunState.Begun, "n-202606010200"), (Record.LastRun!.State, Record.LastJob));
    }

    [Fact]
    public async Task OfTwoActivations_OneBeginsTheJob_AndTheOtherEnds()
    {
        await work.ApplyAsync(EachNight, Ann);
        var other = Activate();
        await GoOnAsync(work, "2026-06-01T02:00");

        await Assert.ThrowsAsync<InconsistentStateException>(other.GoOnAsync);

        Assert.Equal(["n-202606010200 ann"], jobs.Submitted);
    }

    [Theory]
    [InlineData(MissedRuns.Skip, "2026-06-04T02:05", "Begun n-202606040200")]
    [InlineData(MissedRuns.Skip, "2026-06-04T02:06", "Missed n-202606040200")]
    [InlineData(MissedRuns.Skip, "2026-06-04T01:00", "Missed n-202606030200")]
    [InlineData(MissedRuns.Once, "2026-06-04T01:00", "Begun n-202606030200")]
    [InlineData(MissedRuns.Once, "2027-06-04T01:00", "Begun n-202706030200")]
    public async Task OfTimesThatCameWhileNoSiloWasThere_AtMostTheLatestBegins(MissedRuns missed, string back, string expected)
    {
        await work.ApplyAsync(EachNight with { Missed = missed }, Ann);
        await GoOnAsync(Activate(), back);
        await GoOnAsync(Activate(), back);

        Assert.Equal(expected, $"{Record.LastRun!.State} {Record.LastRun.Job}");
        Assert.Equal(expected.StartsWith("Begun", StringComparison.Ordinal) ? 1 : 0, jobs.Submitted.Count);
    }

    [Fact]
    public async Task AScheduleOfEachMinute_ThatWasAwayForAYear_BeginsOneJob()
    {
        await work.ApplyAsync(EachNight with { Cron = "* * * * *", Missed = MissedRuns.Once }, Ann);
        await GoOnAsync(work, "2027-06-01T00:00:30");
        Assert.Equal(["n-202706010000 ann"], jobs.Submitted);
    }

    [Theory]
    [InlineData(OverlappingRuns.Skip, "Skipped the run before, n-202606010200, was unfinished", 1)]
    [InlineData(OverlappingRuns.Allow, "Begun ", 2)]
    public async Task ATimeThatComes_WhileTheRunBeforeIsUnfinished_IsLeftOutOrNot(OverlappingRuns overlap, string expected, int begun)
    {
        await work.ApplyAsync(EachNight with { Overlap = overlap }, Ann);
        await GoOnAsync(work, "2026-06-01T02:00");
        await GoOnAsync(work, "2026-06-02T02:00");
        Assert.Equal(expected, $"{Record.LastRun!.State} {Record.LastRun.Reason}");
        Assert.Equal(begun, jobs.Submitted.Count);

        jobs.End("n-202606010200");
        jobs.End("n-202606020200");
        await GoOnAsync(work, "2026-06-03T02:00");
        Assert.Equal(("n-202606030200", ScheduledRunState.Begun), (Record.LastJob, Record.LastRun!.State));
    }

    [Fact]
    public async Task APausedSchedule_BeginsNothing_AndWhatCameMeanwhileIsNotMadeUpFor()
    {
        await work.ApplyAsync(EachNight with { Missed = MissedRuns.Once }, Ann);
        await work.PauseAsync("paused by bob: release");
        await GoOnAsync(work, "2026-06-02T02:00");
        Assert.Null(Record.ToSnapshot("n", time.GetUtcNow()).NextRun);
        await work.ApplyAsync(EachNight with { Missed = MissedRuns.Once }, Ann);
        Assert.Equal("paused by bob: release", Record.PausedBecause);

        await work.ResumeAsync();
        await GoOnAsync(work, "2026-06-02T03:00");
        Assert.Empty(jobs.Submitted);

        await GoOnAsync(work, "2026-06-03T02:00");
        Assert.Equal(["n-202606030200 ann"], jobs.Submitted);
    }

    [Fact]
    public async Task ADeletedSchedule_BeginsNothing_AndIsNotListed()
    {
        await work.ApplyAsync(EachNight, Ann);
        Assert.Equal("n", Assert.Single(await ListAsync()).Name);
        Assert.Equal("ann", Record.OtherOwnerOrNull(Caller.Local));
        Assert.Null(Record.OtherOwnerOrNull(Ann.ToCaller()));
        await work.DeleteAsync();
        Assert.Null(Record.OtherOwnerOrNull(Caller.Local));
        await GoOnAsync(work, "2026-06-01T02:00");
        Assert.Empty(jobs.Submitted);
        Assert.Empty(await ListAsync());

        await work.ApplyAsync(EachNight, Ann);
        await GoOnAsync(work, "2026-06-01T02:01");
        Assert.Empty(jobs.Submitted);
        Assert.Equal(Utc("2026-06-02T02:00"), Assert.Single(await ListAsync()).NextRun);
    }

    [Fact]
    public async Task TheListIsWrittenAgain_InCaseItWasLost()
    {
        await work.ApplyAsync(EachNight, Ann);
        await GoOnAsync(work, "2026-06-01T00:01");
        await new JobScheduleIndex(register).RemoveAsync("n", CancellationToken.None);
        await GoOnAsync(work, "2026-06-01T00:02");
        Assert.Empty(await ListAsync());
        await GoOnAsync(work, "2026-06-01T00:11");
        Assert.Single(await ListAsync());
    }

    [Fact]
    public async Task ApplyingTheSameAgain_LosesNoTimeThatHasJustCome_AndOtherTimesBeginFromNow()
    {
        await work.ApplyAsync(EachNight, Ann);
        time.SetUtcNow(Utc("2026-06-01T02:00:01"));
        await work.ApplyAsync(EachNight, Ann);
        await work.GoOnAsync();
        Assert.Single(jobs.Submitted);

        time.SetUtcNow(Utc("2026-06-01T12:00:01"));
        await work.ApplyAsync(EachNight with { Cron = "0 * * * *" }, Ann);
        await work.GoOnAsync();
        Assert.Single(jobs.Submitted);
    }

    [Fact]
    public async Task AJobThatIsNotTaken_IsTriedAgainWhileThereIsNoRoom_AndNotWhenItHasFaults()
    {
        await work.ApplyAsync(EachNight, Ann);
        jobs.Refusal = new JobOutcome.Refused(JobRefusal.TooManyJobs, ["5000 jobs are unfinished"]);
        await GoOnAsync(work, "2026-06-01T02:00");
        Assert.Equal((ScheduledRunState.Due, "5000 jobs are unfinished"), (Record.LastRun!.State, Record.LastRun.Reason));
        jobs.Refusal = null;
        await GoOnAsync(work, "2026-06-01T02:01");
        Assert.Equal((ScheduledRunState.Begun, ""), (Record.LastRun!.State, Record.LastRun.Reason));
        jobs.End("n-202606010200");

        jobs.Refusal = new JobOutcome.Refused(JobRefusal.TooManyJobs, ["5000 jobs are unfinished"]);
        await GoOnAsync(work, "2026-06-02T02:00");
        await GoOnAsync(work, "2026-06-02T02:06");
        Assert.Equal(
            (ScheduledRunState.Missed, "not submitted in time. 5000 jobs are unfinished"), (Record.LastRun!.State, Record.LastRun.Reason));

        jobs.Refusal = new JobOutcome.Refused(JobRefusal.InvalidSpec, ["there is no DDL"]);
        await GoOnAsync(work, "2026-06-03T02:00");
        Assert.Equal((ScheduledRunState.Refused, "there is no DDL"), (Record.LastRun!.State, Record.LastRun.Reason));
        Assert.Equal("n-202606010200", Record.LastJob);
    }

    [Fact]
    public void Faults_NamesAllThatIsWrong_AtOnce()
    {
        var faults = JobScheduleCheck.Faults("Nightly", new JobSchedule(
            JobWorld.Spec() with { StartAt = Utc("2026-06-01T00:00"), After = ["other"] }, "0 25 * * *")
        {
            TimeZone = "Europe/Atlantis",
        });

        Assert.Equal(5, faults.Count);
        Assert.StartsWith("the name must be 1 to 50 characters", faults[0], StringComparison.Ordinal);
        Assert.Contains("Hours: Value must be a number between 0 and 23", faults[1], StringComparison.Ordinal);
        Assert.StartsWith("timeZone 'Europe/Atlantis'", faults[2], StringComparison.Ordinal);
        Assert.StartsWith("job.startAt must be left out", faults[3], StringComparison.Ordinal);
        Assert.StartsWith("job.after must be left out", faults[4], StringComparison.Ordinal);
        Assert.Empty(JobScheduleCheck.Faults(new string('n', 50), EachNight));
        Assert.True(JobId.IsValid(JobScheduleRecord.JobOf(new string('n', 50), Utc("2026-06-01T00:00"))));
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text + "Z", System.Globalization.CultureInfo.InvariantCulture);

    private Task<IReadOnlyList<JobScheduleSummary>> ListAsync() => new JobScheduleIndex(register).ListAsync(CancellationToken.None);

    private JobScheduleWork Activate() => new(
        "n", stored.Open(), new JobScheduleIndex(register), jobs.Get, time, NullLogger.Instance);

    private Task GoOnAsync(JobScheduleWork schedule, string at)
    {
        time.SetUtcNow(Utc(at));
        return schedule.GoOnAsync();
    }
}
