using System.Collections.Immutable;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

[GenerateSerializer, Immutable, Alias("ControlPlane.RosterState")]
internal sealed record RosterState([property: Id(0)] ImmutableArray<RosterEntry> Entries)
{
    public RosterState()
        : this([])
    {
    }
}
