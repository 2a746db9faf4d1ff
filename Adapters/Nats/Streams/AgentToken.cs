using Orleans.Providers.Streams.Common;

namespace ControlPlane.Adapters.Nats;

/// <summary>A token that passes between the provider and the pulling agents: where a delivery is, not what a consumer asks for.</summary>
/// <remarks>
/// The runtime opens cursors with both. Only a consumer's own wish may reach back behind what its queue holds, and only of such a wish
/// is it a loss that the server does not keep the events any more.
/// </remarks>
[GenerateSerializer, Alias("ControlPlane.Adapters.Nats.AgentToken")]
internal sealed class AgentToken(long position, int index = 0) : EventSequenceTokenV2(position, index)
{
    protected override Type SequenceTokenCompatibilityDomain => typeof(EventSequenceToken);
}
