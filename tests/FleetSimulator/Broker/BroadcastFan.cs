using System.Collections.Immutable;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Hands the broadcasts of one collective to every node of a connection.</summary>
internal sealed class BroadcastFan : ILinkListener
{
    private ImmutableArray<ILinkListener> nodes = [];

    public bool IsEmpty => nodes.IsEmpty;

    public void Add(ILinkListener node) => ImmutableInterlocked.Update(ref nodes, static (all, added) => all.Add(added), node);

    public void Remove(ILinkListener node) => ImmutableInterlocked.Update(ref nodes, static (all, gone) => all.Remove(gone), node);

    public void Receive(ReadOnlySpan<byte> payload)
    {
        foreach (var node in nodes)
        {
            node.Receive(payload);
        }
    }
}
