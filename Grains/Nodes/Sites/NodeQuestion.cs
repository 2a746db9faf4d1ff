using System.Text.Json.Serialization;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>What one site asks another about a node. Each may be asked again.</summary>
[JsonDerivedType(typeof(Adopt), "adopt")]
[JsonDerivedType(typeof(Call), "call")]
[JsonDerivedType(typeof(Contest), "contest")]
[JsonDerivedType(typeof(Moved), "moved")]
internal abstract record NodeQuestion(string Identity)
{
    /// <summary>A node that was heard by another site belongs to an overlay of this one, which owns it from now on.</summary>
    public sealed record Adopt(string Identity, Adoption Adoption) : NodeQuestion(Identity);

    /// <summary>The owner of a node calls it through the site on whose provisioning network it is.</summary>
    public sealed record Call(string Identity, NodeProtocol Protocol, AgentCall Action) : NodeQuestion(Identity);

    /// <summary>Two machines answered one call of the owner's.</summary>
    public sealed record Contest(string Identity, ContestedAnswer Contested) : NodeQuestion(Identity);

    /// <summary>The region tells an owner that a node lives elsewhere by now.</summary>
    public sealed record Moved(string Identity, string From, string To, DecisionStamp Decided) : NodeQuestion(Identity);
}

/// <summary>What it answers.</summary>
/// <param name="Refusal">Why not; null when it was done.</param>
/// <param name="Answer">For <see cref="NodeQuestion.Call"/>: what came of the call.</param>
internal sealed record NodeReply(string? Refusal = null, AgentAnswer? Answer = null);

/// <summary>A node that another site hears, and this one owns from now on.</summary>
/// <param name="Overlay">The overlay that it belongs to.</param>
/// <param name="Reception">The site on whose provisioning network it is: calls go through it.</param>
/// <param name="HeardAt">When it was heard: an enrolment that began with older news begins anew.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.Adoption")]
internal sealed record Adoption(
    [property: Id(0)] string Overlay, [property: Id(1)] string Reception, [property: Id(2)] DateTimeOffset HeardAt);
