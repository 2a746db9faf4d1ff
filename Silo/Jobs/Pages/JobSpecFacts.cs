using System.Globalization;
using ControlPlane.Console;

namespace ControlPlane.Jobs;

/// <summary>What a job is to do, and how carefully, as its page says it.</summary>
internal static class JobSpecFacts
{
    public static Html Render(JobSnapshot job) => Html.Of($"""
        <dl>
        {Fact("Job", job.Id)}
        {Fact("Inputs", job.Spec.Action.InputsJson)}
        {Fact("Why", job.Spec.Reason)}
        {Fact("Submitted by", job.Submitter)}
        {Instant("Submitted", job.SubmittedAt)}
        {Instant("Not before", job.Spec.StartAt)}
        {Fact("After", string.Join(", ", job.Spec.After))}
        {Fact("Approval", job.Spec.RequiresApproval ? "somebody must approve it" : "")}
        {Instant("Started", job.StartedAt)}
        {Instant("Ended", job.EndedAt)}
        {Fact("Mode", job.Spec.Mode.ToString())}
        {Fact("Window", job.Spec.Window is { } window ? Window(window) : "")}
        {Fact("Nodes not heard", Offline(job.Spec.Offline))}
        {Fact("Tries again", job.Spec.Retry is { Max: > 0, On.Count: > 0 } retry ? Retry(retry) : "")}
        {Fact("Takes at most", Timeouts(job.Spec.Timeouts))}
        {Fact("Stops", string.Join("; ", job.Spec.Thresholds.Select(Threshold)))}
        {Fact("Tells", job.Spec.Notify is { } notify ? string.Join(", ", notify.WebHooks.Concat(notify.Nats ? ["NATS"] : [])) : "")}
        {Fact("Not enrolled", job.NotFound > 0 ? string.Create(CultureInfo.InvariantCulture, $"{job.NotFound:N0} of the nodes that it names") : "")}
        </dl>
        """);

    private static string Window(JobWindow window)
    {
        var days = window.Days.Count == 0 ? "" : $" on {string.Join(", ", window.Days)}";
        return $"{Time(window.From)} to {Time(window.To)}{days}, {window.Zone ?? "in each overlay's time zone"}";
    }

    private static string Time(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);

    private static string Offline(JobOffline offline) => offline.Policy switch
    {
        OfflinePolicy.Skip => "are skipped",
        OfflinePolicy.Wait => $"are waited for {Durations.Write(offline.Until)}, then skipped",
        OfflinePolicy.Fail => "have failed",
        _ => "",
    };

    private static string Retry(JobRetry retry) => string.Create(
        CultureInfo.InvariantCulture,
        $"{retry.Max} times what is {string.Join(" or ", retry.On)}, after up to {Durations.Write(retry.Backoff)}, at most {Durations.Write(retry.BackoffMax)}");

    private static string Timeouts(JobTimeouts timeouts)
    {
        var stage = timeouts.Stage is { } most ? $", a stage {Durations.Write(most)}" : "";
        return $"a node {Durations.Write(timeouts.Execution)}{stage}, the job {Durations.Write(timeouts.Job)}";
    }

    private static string Threshold(JobThreshold threshold)
    {
        var most = threshold.Count is { } count ? $"{count}" : $"{threshold.Percent}% (of {threshold.MinSample} or more)";
        return $"{threshold.Then} at {most} {string.Join(" or ", threshold.States)} in the {threshold.Scope}";
    }

    private static Html Fact(string name, string? value) =>
        string.IsNullOrEmpty(value) ? Html.Empty : Html.Of($"<div><dt>{name}</dt><dd>{value}</dd></div>");

    private static Html Instant(string name, DateTimeOffset? at) =>
        at is null ? Html.Empty : Html.Of($"<div><dt>{name}</dt><dd>{Layout.Time(at)}</dd></div>");
}
