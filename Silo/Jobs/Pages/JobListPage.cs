using ControlPlane.Console;

namespace ControlPlane.Jobs;

/// <summary>Jobs as a board: those that wait for somebody, those under way, and those that have ended.</summary>
internal static class JobListPage
{
    private static readonly (string Id, string Title, JobState[] States)[] Columns =
    [
        ("attention", "Wait for somebody", [JobState.AwaitingApproval, JobState.AtGate, JobState.Paused]),
        ("active", "Under way", [JobState.Preparing, JobState.Waiting, JobState.Running, JobState.Baking]),
        ("done", "Ended", [JobState.Completed, JobState.Aborted, JobState.Failed]),
    ];

    /// <param name="jobs">Newest first.</param>
    /// <param name="most">How many were asked for: there may be older ones.</param>
    /// <param name="schedules">By name.</param>
    public static Html Render(IReadOnlyList<JobSummary> jobs, int most, IReadOnlyList<JobScheduleSummary> schedules) =>
        Layout.Page("Jobs", "", Html.Of($"""
        <h1>Jobs</h1>
        <div class="board">{Html.Join(Columns.Select(column => Column(column.Id, column.Title, Of(jobs, column.States))))}</div>
        {(jobs.Count < most ? Html.Empty : Html.Of($"""<p class="note">The newest {most:N0}; “controlplane job list” has more.</p>"""))}
        {(schedules.Count == 0 ? Html.Empty : Schedules(schedules))}
        """));

    private static Html Schedules(IReadOnlyList<JobScheduleSummary> schedules) => Html.Of($"""
        <h2>Schedules <small>{schedules.Count:N0}</small></h2>
        <table><thead><tr><th>Name</th><th>Action</th><th>When</th><th>Next run</th><th>Last job</th><th>By</th></tr></thead>
        <tbody>{Html.Join(schedules.Select(Row))}</tbody></table>
        """);

    private static Html Row(JobScheduleSummary schedule) => Html.Of($"""
        <tr><td>{schedule.Name}</td><td>{schedule.Agent}#{schedule.Action}</td><td>{schedule.Cron} {schedule.TimeZone}</td>
        <td>{(schedule.NextRun is { } next ? Layout.Time(next) : Html.Of($"{schedule.PausedBecause ?? ""}"))}</td>
        <td>{(schedule.LastJob is { } job ? Html.Of($"""<a href="/jobs/{Uri.EscapeDataString(job)}">{job}</a>""") : Html.Empty)}
        {(schedule.LastRun is { State: not ScheduledRunState.Begun } run ? Html.Of($"""<small>then {run.State}: {run.Reason}</small>""") : Html.Empty)}</td>
        <td>{schedule.Owner}</td></tr>
        """);

    private static List<JobSummary> Of(IReadOnlyList<JobSummary> jobs, JobState[] states) =>
        [.. jobs.Where(job => states.Contains(job.State))];

    private static Html Column(string id, string title, List<JobSummary> jobs) => Html.Of($"""
        <section aria-labelledby="{id}-title"><h2 id="{id}-title">{title} <small>{jobs.Count:N0}</small></h2>
        {(jobs.Count == 0 ? Html.Of($"""<p class="note">None.</p>""") : Html.Join(jobs.Select(Card)))}</section>
        """);

    private static Html Card(JobSummary job) => Html.Of($"""
        <article class="card {TargetGroups.NameOf(job.State)}">
        <h3><a href="/jobs/{Uri.EscapeDataString(job.Id)}">{job.Agent}#{job.Action}</a>
        <span class="stage {TargetGroups.NameOf(job.State)}">{job.State}</span></h3>
        {(job.Reason.Length == 0 ? Html.Empty : Html.Of($"<p>{job.Reason}</p>"))}
        {Bar(job.Counts)}
        <p class="note">{job.Counts.Ended:N0} of {job.Counts.All:N0} nodes, stage {Math.Min(job.Stage + 1, job.Stages)} of {job.Stages}, by {job.Submitter},
        {Layout.Time(job.SubmittedAt)}</p>
        </article>
        """);

    /// <summary>The share of each group of states.</summary>
    public static Html Bar(TargetCounts counts) => Html.Of($"""
        <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{counts.Ended:N0} of {counts.All:N0} ended">
        {Html.Join(Segments(counts))}</svg>
        """);

    private static IEnumerable<Html> Segments(TargetCounts counts)
    {
        var left = 0.0;
        foreach (var group in TargetGroups.All)
        {
            var width = counts.All == 0 ? 0 : 1000.0 * group.CountIn(counts) / counts.All;
            yield return Html.Of($"""<rect class="{group.Name}" x="{left:0.##}" y="0" width="{width:0.##}" height="10"></rect>""");
            left += width;
        }
    }
}
