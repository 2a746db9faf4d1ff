
using ControlPlane.Console;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>The overlay at a glance. The script brings it up to date; without the script it is right when it is loaded.</summary>
internal static class OverviewPage
{
    public static Html Render(FleetSummary summary) => Layout.Page(summary.Overlay, "", Html.Of($"""
        <h1>Overlay {summary.Overlay} <small>in region {summary.Region}</small></h1>
        <noscript><p class="note">Reload the page for newer figures; with scripts it does so by itself.</p></noscript>
        <p class="note stale" id="stale" role="status" hidden>The control plane does not answer; the figures are old.</p>
        {Progress(summary)}
        <section aria-labelledby="stages-title"><h2 id="stages-title">Stages</h2>
        <ul class="stages">{Html.Join(summary.Stages.Select(stage => Stage(stage.Key, stage.Value)))}</ul>
        </section>
        <section aria-labelledby="overlays-title"><h2 id="overlays-title">Overlays</h2>
        <div id="overlays">{Overlays(summary.Overlays)}</div>
        </section>
        <section aria-labelledby="refused-title"><h2 id="refused-title">Refused nodes</h2>
        <div id="refused">{Refused(summary.Refused)}</div>
        </section>
        <p class="note">Counted <span id="at">{Layout.Time(summary.At)}</span></p>
        """));

    private static Html Progress(FleetSummary summary)
    {
        var enrolled = summary.Stages[NodeStage.Enrolled];
        var groups = StageGroups.All.Select(group => (Group: group, Nodes: group.Stages.Sum(stage => summary.Stages[stage]))).ToList();
        return Html.Of($"""
            <section class="progress" aria-labelledby="progress-title"><h2 id="progress-title" class="unseen">Enrolment</h2>
            <dl class="figures">
            <div><dt>Enrolled</dt><dd><b id="enrolled">{enrolled:N0}</b> of <span id="total">{summary.Total:N0}</span></dd></div>
            <div><dt>Pace</dt><dd><b id="rate">{summary.EnrolledPerMinute:N0}</b> nodes a minute</dd></div>
            <div class="spark"><dt class="unseen">Pace over time</dt><dd>
            <svg id="spark" viewBox="0 0 240 48" preserveAspectRatio="none" role="img"
              aria-label="Enrolled nodes a minute, since this page was opened"><polyline points=""></polyline></svg></dd></div>
            </dl>
            <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"
              aria-label="Share of each group; the figures follow">{Segments(groups, summary.Total)}</svg>
            <ul class="legend">{Html.Join(groups.Select(one => Html.Of(
                $"""<li class="{one.Group.Name}">{one.Group.Title} <b data-group="{one.Group.Name}">{one.Nodes:N0}</b></li>""")))}</ul>
            </section>
            """);
    }

    private static Html Segments(List<(StageGroup Group, int Nodes)> groups, int total)
    {
        var left = 0.0;
        return Html.Join(groups.Select(one =>
        {
            var width = total == 0 ? 0 : 1000.0 * one.Nodes / total;
            var (name, x) = (one.Group.Name, left);
            var segment = Html.Of($"""
                <rect class="{name}" data-segment="{name}" x="{x:0.##}" y="0" width="{width:0.##}" height="10"></rect>
                """);
            left += width;
            return segment;
        }));
    }

    private static Html Stage(NodeStage stage, int nodes) => Html.Of($"""
        <li class="{StageGroups.Of(stage).Name}"><a href="/nodes?state={stage}"><span>{stage}</span>
        <b data-stage="{Camel(stage)}">{nodes:N0}</b></a></li>
        """);

    private static Html Overlays(IReadOnlyList<OverlayStatus>? overlays) => overlays switch
    {
        null => Html.Of($"""<p class="note">The placement of the region does not answer.</p>"""),
        [] => Html.Of($"""<p class="note">The region has no overlays.</p>"""),
        _ => Html.Of($"""
            <table><thead><tr><th scope="col">Overlay</th><th scope="col">State</th><th scope="col" class="wide">Load</th>
            <th scope="col" class="number">Nodes</th><th scope="col" class="number">Reserved</th>
            <th scope="col" class="number">Soft limit</th><th scope="col" class="number">Hard limit</th><th scope="col" class="wide">Enrolment</th></tr></thead>
            <tbody>{Html.Join(overlays.Select(Overlay))}</tbody></table>
            """),
    };

    private static Html Overlay(OverlayStatus overlay)
    {
        var limit = Math.Max(1, overlay.HardLimit);
        var nodes = 1000.0 * overlay.Nodes / limit;
        var reserved = 1000.0 * overlay.Reserved / limit;
        return Html.Of($"""
            <tr><th scope="row">{overlay.Name}</th><td>{overlay.State}</td>
            <td class="wide"><svg class="load" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"
              aria-label="{(nodes + reserved) / 1000:P0} of the hard limit">
            <rect class="enrolled" x="0" y="0" width="{nodes:0.##}" height="10"></rect>
            <rect class="running" x="{nodes:0.##}" y="0" width="{reserved:0.##}" height="10"></rect>
            <rect class="limit" x="{1000.0 * overlay.SoftLimit / limit:0.##}" y="0" width="3" height="10"></rect></svg></td>
            <td class="number">{overlay.Nodes:N0}</td><td class="number">{overlay.Reserved:N0}</td>
            <td class="number">{overlay.SoftLimit:N0}</td><td class="number">{overlay.HardLimit:N0}</td>
            <td class="wide">{overlay.EnrolmentInWords()}</td></tr>
            """);
    }

    private static Html Refused(IReadOnlyList<RosterEntry> refused) => refused.Count == 0
        ? Html.Of($"""<p class="note">None.</p>""")
        : Html.Of($"""
            <table><thead><tr><th scope="col">Node</th><th scope="col" class="wide">Reason</th>
            <th scope="col">First heard of</th></tr></thead>
            <tbody>{Html.Join(refused.Select(node => Html.Of($"""
                <tr><th scope="row"><a href="/nodes/{Uri.EscapeDataString(node.Identity)}">{node.Identity}</a></th>
                <td class="wide">{node.Reason}</td><td>{Layout.Time(node.Since)}</td></tr>
                """)))}</tbody></table>
            """);

    private static string Camel(NodeStage stage) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(stage.ToString());
}
