using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>Filters in Choria's text form as they are on the wire.</summary>
internal static class ChoriaFilters
{
    /// <exception cref="ArgumentException">It cannot be read: the message says what.</exception>
    public static ChoriaFilter Read(RpcFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var faults = FilterText.Faults(filter);
        return faults.Count == 0
            ? new ChoriaFilter
            {
                Facts = [.. filter.Facts.Select(FactText.Read).Select(fact => new FactFilter(fact.Fact, fact.Operator, fact.Value))],
                Classes = filter.Classes,
                Agents = filter.Agents,
                Identities = filter.Identities,
                Expressions = FilterText.Joined(filter.Compound) is { } expression ? [expression] : [],
            }
            : throw new ArgumentException(string.Join("; ", faults), nameof(filter));
    }
}
