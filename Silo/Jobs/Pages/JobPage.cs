using ControlPlane.Console;

namespace ControlPlane.Jobs;

/// <summary>What the viewer of a job may do to it.</summary>
/// <param name="MayApprove">Whether the viewer may let it begin.</param>
/// <param name="MayControl">Whether the viewer may pause it, and so on.</param>
/// <param name="Antiforgery">What the page shows when it asks for a change; null where the viewer has no session.</param>
internal sealed record JobRights(bool MayApprove, bool MayControl, string? Antiforgery);

/// <summary>One job: its stages, what failed, a map of its targets, and what the viewer may do. The script brings it up to date.</summary>
internal static class JobPage
{
    private static readonly (JobVerb Verb, string Title)[] Controls =
    [
        (JobVerb.Pause, "Pause"),
        (JobVerb.Resume, "Resume"),
        (JobVerb.Advance, "Next stage"),
        (JobVerb.Retry, "Retry failed"),
        (JobVerb.Abort, "Abort"),
    ];

    /// <param name="job">How it stands.</param>
    /// <param name="failures">What failed.</param>
    /// <param name="unreachable">Overlays that do not answer now: what failed there is not known.</param>
    /// <param name="rights">What the viewer may do.</param>
    public static Html Render(
        JobSnapshot job, IReadOnlyList<FailureGroup> failures, IReadOnlyList<string> unreachable, JobRights rights) => Layout.Page(
        $"{job.Spec.Action.Agent}#{job.Spec.Action.Name}",
        "",
        Html.Of($"""
            <div id="job" data-job="{job.Id}">
            <div id="live" data-verbs="{string.Join(' ', job.Verbs.Select(NameOf))}" data-stage="{job.Stage}">{Live(job, failures, unreachable)}</div>
            {Actions(job, rights)}
            <section aria-labelledby="map-title"><h2 id="map-title">Targets</h2>
            <noscript><p class="note">With scripts, this is a map of all targets. “controlplane job targets {job.Id}” lists them.</p></noscript>
            <p class="note" id="pointed" role="status">Each cell is a target, in the order in which they are worked on.</p>
            <canvas id="map" role="img" aria-label="Each target by its state; the figures are above"></canvas>
            </section>
            <p class="note stale" id="stale" role="status" hidden>The control plane does not answer; the figures are old.</p>
            </div>
            """));

    public static Html Unknown(string id) => Layout.Page("Unknown job", "", Html.Of($"""
        <h1>Unknown job</h1><p>There is no job “{id}” (any more).</p>
        """));

    private static Html Live(JobSnapshot job, IReadOnlyList<FailureGroup> failures, IReadOnlyList<string> unreachable) => Html.Of($"""
        <h1>{job.Spec.Action.Agent}#{job.Spec.Action.Name} <span class="stage {TargetGroups.NameOf(job.State)}">{job.State}</span></h1>
        {(job.Reason.Length == 0 ? Html.Empty : Html.Of($"""<p class="reason">{job.Reason}</p>"""))}
        <section class="progress" aria-labelledby="progress-title"><h2 id="progress-title">{job.Counts.Ended:N0} of {job.Counts.All:N0} nodes have ended</h2>
        {JobListPage.Bar(job.Counts)}
        <ul class="legend">{Html.Join(TargetGroups.All.Select(group => Html.Of(
            $"""<li class="{group.Name}">{group.Title} <b>{group.CountIn(job.Counts):N0}</b></li>""")))}</ul></section>
        <section aria-labelledby="stages-title"><h2 id="stages-title">Stages</h2>{Stages(job)}</section>
        <section aria-labelledby="failures-title"><h2 id="failures-title">Failures</h2>{Missing(unreachable)}{Failures(failures)}</section>
        <div class="columns">
        <section aria-labelledby="what-title"><h2 id="what-title">What it is</h2>{JobSpecFacts.Render(job)}</section>
        <section aria-labelledby="overlays-title"><h2 id="overlays-title">Overlays</h2>{Overlays(job)}</section>
        </div>
        """);

    private static Html Stages(JobSnapshot job) => Html.Of($"""
        <table><thead><tr><th scope="col">Stage</th><th scope="col">Size</th><th scope="col" class="wide">Progress</th>
        <th scope="col" class="number">Targets</th>{Html.Join(TargetGroups.All.Select(group =>
            Html.Of($"""<th scope="col" class="number">{group.Title}</th>""")))}<th scope="col">Then</th></tr></thead>
        <tbody>{Html.Join(job.Spec.Stages.Zip(JobView.StageCountsOf(job)).Index().Select(one => Stage(
            one.Item.First, one.Item.Second, one.Index == job.Stage && !JobView.IsEnded(job.State))))}</tbody></table>
        """);

    private static Html Stage(JobStage stage, TargetCounts counts, bool isCurrent) => Html.Of($"""
        <tr{(isCurrent ? new Html(" aria-current=\"step\"") : Html.Empty)}><th scope="row">{stage.Name}</th>
        <td>{stage.Size}{(stage.PerOverlay ? " of each overlay" : "")}</td><td class="wide">{JobListPage.Bar(counts)}</td>
        <td class="number">{counts.All:N0}</td>{Html.Join(TargetGroups.All.Select(group =>
            Html.Of($"""<td class="number">{group.CountIn(counts):N0}</td>""")))}<td>{Then(stage)}</td></tr>
        """);

    private static string Then(JobStage stage) => string.Join(", ", new[]
    {
        stage.Bake > TimeSpan.Zero ? $"bakes {Durations.Write(stage.Bake)}" : null,
        stage.Gate == JobGate.Manual ? "somebody advances it" : null,
        stage.GateWebHook is { } hook ? $"the web hook {hook} is asked" : null,
    }.OfType<string>());

    private static Html Missing(IReadOnlyList<string> unreachable) => unreachable.Count == 0
        ? Html.Empty
        : Html.Of($"""<p class="note stale">Without those of {string.Join(", ", unreachable)}, which does not answer.</p>""");

    private static Html Failures(IReadOnlyList<FailureGroup> failures) => failures.Count == 0
        ? Html.Of($"""<p class="note">None.</p>""")
        : Html.Of($"""
            <table><thead><tr><th scope="col" class="number">Nodes</th><th scope="col">State</th><th scope="col" class="wide">What they say</th>
            <th scope="col" class="wide">For example</th></tr></thead>
            <tbody>{Html.Join(failures.Select(group => Html.Of($"""
                <tr><td class="number">{group.Nodes:N0}</td><td>{group.State}</td><td class="wide">{group.Message}</td>
                <td class="wide">{Html.Join(group.Examples.Select(identity =>
                    Html.Of($"""<a href="/nodes/{Uri.EscapeDataString(identity)}">{identity}</a> """)))}</td></tr>
                """)))}</tbody></table>
            """);

    private static Html Overlays(JobSnapshot job) => job.Overlays.Count == 0 ? Html.Of($"""<p class="note">None yet.</p>""") : Html.Of($"""
        <table><thead><tr><th scope="col">Overlay</th><th scope="col" class="number">Targets</th><th scope="col" class="number">Ended</th>
        <th scope="col" class="wide">How it stands</th></tr></thead>
        <tbody>{Html.Join(job.Overlays.Select(one => Html.Of($"""
            <tr><th scope="row">{one.Overlay}</th><td class="number">{one.Counts.All:N0}</td><td class="number">{one.Counts.Ended:N0}</td>
            <td class="wide">{(one.IsAway ? "Does not answer; its figures are old. " : "")}{one.Reason}</td></tr>
            """)))}</tbody></table>
        """);

    private static Html Actions(JobSnapshot job, JobRights rights)
    {
        var controls = rights.MayControl ? Controls : [];
        if (rights.MayApprove)
        {
            controls = [(JobVerb.Approve, "Approve"), .. controls];
        }

        return controls.Length == 0 ? Html.Empty : Html.Of($"""
            <section aria-labelledby="actions-title"><h2 id="actions-title" class="unseen">Actions</h2>
            <form id="actions" class="actions"><label for="reason">Reason</label>
            <input id="reason" name="reason" maxlength="{Api.GivenReason.LengthMax}" required autocomplete="off">
            {Html.Join(controls.Select(control => Html.Of($"""
                <button type="button" data-verb="{NameOf(control.Verb)}"{(job.Verbs.Contains(control.Verb)
                    ? Html.Empty : new Html(" disabled"))}>{control.Title}</button>
                """)))}
            {(rights.Antiforgery is { } token ? Html.Of($"""<input type="hidden" id="antiforgery" value="{token}">""") : Html.Empty)}
            <output id="told" role="status"></output></form></section>
            """);
    }

    private static string NameOf(JobVerb verb) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName($"{verb}");
}
