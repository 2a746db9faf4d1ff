using System.Globalization;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

public sealed class CronTimesTests
{
    // Clocks are put forward on 29 March 2026 at 01:00 UTC and back on 25 October 2026 at 01:00 UTC.
    [Theory]
    [InlineData("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00", "03-29T01:00 03-30T00:30")]
    [InlineData("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00", "10-25T00:30 10-26T01:30")]
    [InlineData("Europe/Berlin", "0 * * * *", "2026-10-24T23:30", "10-25T00:00 10-25T01:00 10-25T02:00")]
    [InlineData("Europe/Dublin", "30 1 * * *", "2026-03-28T12:00", "03-29T01:00 03-30T00:30")]
    [InlineData("Europe/Dublin", "30 1 * * *", "2026-10-24T12:00", "10-25T00:30 10-26T01:30")]
    [InlineData("Europe/Dublin", "0 * * * *", "2026-10-24T23:30", "10-25T00:00 10-25T01:00 10-25T02:00")]
    [InlineData("Europe/Dublin", "0 * * * *", "2026-03-28T23:30", "03-29T00:00 03-29T01:00 03-29T02:00")]
    [InlineData("Eire", "0 * * * *", "2026-03-28T23:30", "03-29T00:00 03-29T01:00 03-29T02:00")]
    [InlineData("UTC", "0 0 29 2 *", "2026-03-28T00:00", "02-29T00:00")]
    public void TimesFollowTheClocksOfTheZone(string zone, string cron, string after, string expected)
    {
        var schedule = Schedule(cron, zone);
        var (times, at) = (new List<string>(), Utc(after));
        for (var more = expected.Split(' ').Length; more > 0; more--)
        {
            var next = CronTimes.NextAfter(schedule, at)!.Value;
            Assert.Equal(next, CronTimes.LatestIn(schedule, at, next));
            times.Add(next.ToString("MM-ddTHH:mm", CultureInfo.InvariantCulture));
            at = next;
        }

        Assert.Equal(expected, string.Join(' ', times));
    }

    // Also where the winter time is the exception by law, and where clocks go by half an hour or by two.
    [Theory]
    [InlineData("Africa/Casablanca")]
    [InlineData("America/St_Johns")]
    [InlineData("Antarctica/Troll")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("Europe/Dublin")]
    public void TimesComeOnce_OneAfterTheOther(string zone)
    {
        var schedule = Schedule("0 * * * *", zone);
        for (var at = Utc("2026-01-01T00:00"); at < Utc("2027-01-01T00:00");)
        {
            var next = CronTimes.NextAfter(schedule, at)!.Value;
            Assert.InRange(next - at, TimeSpan.FromMinutes(30), TimeSpan.FromHours(2));
            at = next;
        }
    }

    [Theory]
    [InlineData("0 0 30 2 *", "never comes")]
    [InlineData("@every_second", "has not five fields")]
    [InlineData("* * * * * *", "has not five fields")]
    [InlineData("", "has not five fields")]
    [InlineData("H 2 * * *", "cannot be read")]
    public void FaultOrNull_SaysWhatIsWrongWithAnExpression(string cron, string expected) =>
        Assert.StartsWith(expected, CronTimes.FaultOrNull(cron), StringComparison.Ordinal);

    private static JobSchedule Schedule(string cron, string zone) => new(JobWorld.Spec(), cron) { TimeZone = zone };

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text + "Z", CultureInfo.InvariantCulture);
}
