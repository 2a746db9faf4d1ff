using System.ComponentModel;
using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>A schedule as it is written down, over HTTP and in files.</summary>
/// <param name="Cron">When: minute, hour, day of the month, month and day of the week, e.g. <c>0 2 * * 1-5</c>.</param>
/// <param name="Job">What each run is to do: a job, without <c>startAt</c> and <c>after</c>.</param>
internal sealed record JobScheduleBody(string Cron, JobBody Job) : INamesAction, IGivesReason
{
    string INamesAction.Agent => Job.Agent;

    string INamesAction.Action => Job.Action;

    IReadOnlyList<(string Agent, string Action)> INamesAction.AlsoActions => ((INamesAction)Job).AlsoActions;

    string? INamesAction.Overlay => ((INamesAction)Job).Overlay;

    int? INamesAction.TargetsMax => ((INamesAction)Job).TargetsMax;

    string IGivesReason.Reason => Job.Reason;

    [Description("The time zone of cron, e.g. Europe/Dublin; UTC without.")]
    public string TimeZone { get; init; } = "UTC";

    [Description("What becomes of runs that could not begin within five minutes of their time: skip leaves them out, once begins the latest of them.")]
    public MissedRuns Missed { get; init; }

    [Description("What becomes of a run whose time comes while the run before is unfinished: skip leaves it out, allow begins it.")]
    public OverlappingRuns Overlap { get; init; }
}
