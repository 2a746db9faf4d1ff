namespace ControlPlane.Nodes;

/// <summary>What a node would be configured with now, where each line comes from, and what it was configured with.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Overlay">The overlay that it is, or would be, configured for; null before it was placed.</param>
/// <param name="Settings">The lines of its <c>server.conf</c>, in order of key: those it would get, and those it would lose.</param>
/// <param name="Policies">Its policy files.</param>
/// <param name="Notes">What stands in the way, and what could not be known; empty when nothing.</param>
/// <param name="IsSentKnown">Whether it is known what it was configured with.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeConfigurationView")]
public sealed record NodeConfigurationView(
    [property: Id(0)] string Identity,
    [property: Id(1)] string? Overlay,
    [property: Id(2)] IReadOnlyList<ConfigurationLine> Settings,
    [property: Id(3)] IReadOnlyList<ConfigurationLine> Policies,
    [property: Id(4)] IReadOnlyList<string> Notes,
    [property: Id(5)] bool IsSentKnown);

/// <param name="Key">The setting, or the name of the policy file.</param>
/// <param name="Value">What it would be, secrets masked; null when the node would lose it.</param>
/// <param name="Origin">Who says so, e.g. <c>10-base.yaml: everybody</c>; null when the node would lose it.</param>
/// <param name="Sent">What the node was sent, secrets masked; null when it was sent none, or that is not known.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ConfigurationLine")]
public sealed record ConfigurationLine(
    [property: Id(0)] string Key, [property: Id(1)] string? Value, [property: Id(2)] string? Origin, [property: Id(3)] string? Sent);
