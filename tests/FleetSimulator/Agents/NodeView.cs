using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>What an agent sees of its node when it decides.</summary>
/// <param name="Profile">What never changes.</param>
/// <param name="Files">What is on disk.</param>
/// <param name="Process">What is in memory.</param>
/// <param name="Now">The time.</param>
/// <param name="Random">The node's own, so that a run can be repeated.</param>
/// <param name="Keys">Where new RSA keys come from.</param>
internal sealed record NodeView(
    NodeProfile Profile, NodeFiles Files, NodeProcess Process, DateTimeOffset Now, Random Random, IRsaKeySource Keys);
