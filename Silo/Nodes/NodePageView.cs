
using ControlPlane.Console;

namespace ControlPlane.Nodes;

/// <summary>One node: how it stands, what it holds, and every step of its history.</summary>
internal static class NodePageView
{
    public static Html Render(NodeSnapshot node) => Layout.Page(node.Identity, node.Identity, Html.Of($"""
        <h1>{node.Identity} <span class="stage {StageGroups.Of(node.Stage).Name}">{node.Stage}</span></h1>
        {(node.Reason is null ? Html.Empty : Html.Of($"""<p class="reason">{node.Reason}</p>"""))}
        <div class="columns">
        <section aria-labelledby="stands-title"><h2 id="stands-title">How it stands</h2>
        <dl>
        {Fact("Refusal", node.Refusal)}
        {Fact("Overlay", node.Overlay)}
        {Fact("Placed because", node.PlacementReason)}
        {Fact("Protocol", node.Protocol)}
        {Fact("Choria", node.AgentVersion)}
        {Fact("Enrolments begun", node.Attempt)}
        {Instant("Next step due", node.DueAt)}
        {Instant("First seen", node.FirstSeenAt)}
        {Instant("Last seen", node.LastSeenAt)}
        </dl></section>
        <section aria-labelledby="holds-title"><h2 id="holds-title">What it holds</h2>{Credentials(node)}</section>
        </div>
        <section aria-labelledby="history-title"><h2 id="history-title">History</h2>
        {(node.History.Count == 0 ? Html.Of($"""<p class="note">None.</p>""") : History(node.History))}
        </section>
        """));

    public static Html Unknown(string identity) => Layout.Page("Unknown node", identity, Html.Of($"""
        <h1>Unknown node</h1><p>Nothing is known of a node “{identity}”.</p>
        """));

    private static Html Credentials(NodeSnapshot node) => node is { Certificate: null, ServerTokenExpiresAt: null }
        ? Html.Of($"""<p class="note">Nothing yet.</p>""")
        : Html.Of($"""
            <dl>
            {Fact("Certificate", node.Certificate?.SerialNumber)}
            {Fact("Issued by", node.Certificate?.Issuer)}
            {Instant("Valid from", node.Certificate?.NotBefore)}
            {Instant("Valid until", node.Certificate?.NotAfter)}
            {Fact("Key", node.Certificate?.PublicKeyFingerprint)}
            {Instant("Server token until", node.ServerTokenExpiresAt)}
            </dl>
            """);

    private static Html History(IReadOnlyList<NodeStep> history) => Html.Of($"""
        <table><thead><tr><th scope="col">When</th><th scope="col">Enrolment</th><th scope="col">Stage</th>
        <th scope="col" class="wide">Why or how</th></tr></thead>
        <tbody>{Html.Join(history.Reverse().Select(step => Html.Of($"""
            <tr><td>{Layout.Time(step.At)}</td><td>{step.Attempt}</td>
            <td><span class="stage {StageGroups.Of(step.Stage).Name}">{step.Stage}</span></td><td class="wide">{step.Detail}</td></tr>
            """)))}</tbody></table>
        """);

    private static Html Fact<T>(string name, T? value) => value?.ToString() is { Length: > 0 } text
        ? Html.Of($"<div><dt>{name}</dt><dd>{text}</dd></div>")
        : Html.Empty;

    private static Html Instant(string name, DateTimeOffset? at) =>
        at is null ? Html.Empty : Html.Of($"<div><dt>{name}</dt><dd>{Layout.Time(at)}</dd></div>");
}
