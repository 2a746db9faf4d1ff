
using ControlPlane.Console;

namespace ControlPlane.Nodes;

/// <summary>Nodes in order of identity, a page at a time.</summary>
internal static class NodeListPage
{
    /// <param name="stage">The stage that was asked for.</param>
    /// <param name="sought">The identity that was looked for and not found; the list begins where it would be.</param>
    /// <param name="page">What to show.</param>
    public static Html Render(NodeStage? stage, string sought, NodePage page) => Layout.Page("Nodes", sought, Html.Of($"""
        <h1>Nodes{(stage is null ? "" : $" in stage {stage}")}</h1>
        {(sought.Length == 0 ? Html.Empty : NotFound(sought))}
        <nav class="filters" aria-label="Stages"><a href="/nodes"{Current(stage is null)}>All</a>
        {Html.Join(Enum.GetValues<NodeStage>().Where(one => one != NodeStage.Unknown).Select(one => Html.Of(
            $"""<a href="/nodes?state={one}"{Current(one == stage)}>{one}</a> """)))}</nav>
        {(page.Nodes.Count == 0 ? Html.Of($"""<p class="note">None.</p>""") : Table(page.Nodes))}
        {(page.NextCursor is { } next ? NextPage(stage, next) : Html.Empty)}
        """));

    private static Html NotFound(string sought) =>
        Html.Of($"""<p class="note" role="status">No node is called “{sought}”. These come after it:</p>""");

    private static Html NextPage(NodeStage? stage, string cursor) =>
        Html.Of($"""<p><a class="button" href="/nodes?state={stage}&amp;cursor={cursor}">Next page</a></p>""");

    private static Html Table(IReadOnlyList<RosterEntry> nodes) => Html.Of($"""
        <section aria-label="Nodes"><table><thead><tr><th scope="col">Node</th><th scope="col">Stage</th><th scope="col">Overlay</th>
        <th scope="col" class="wide">Reason</th><th scope="col">First heard of</th><th scope="col">Next step due</th></tr></thead>
        <tbody>{Html.Join(nodes.Select(Row))}</tbody></table></section>
        """);

    private static Html Row(RosterEntry node) => Html.Of($"""
        <tr><th scope="row"><a href="/nodes/{Uri.EscapeDataString(node.Identity)}">{node.Identity}</a></th>
        <td><span class="stage {StageGroups.Of(node.Stage).Name}">{node.Stage}</span></td><td>{node.Overlay ?? "–"}</td>
        <td class="wide">{node.Reason}</td><td>{Layout.Time(node.Since)}</td><td>{Layout.Time(node.DueAt)}</td></tr>
        """);

    private static Html Current(bool current) => current ? new Html(" aria-current=\"page\"") : Html.Empty;
}
