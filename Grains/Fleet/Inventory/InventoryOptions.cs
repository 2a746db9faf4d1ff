using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>What is kept of the facts that nodes report. Section <c>Inventory</c>.</summary>
public sealed class InventoryOptions
{
    public const string Section = "Inventory";

    /// <summary>
    /// Facts at the top level that are left out, because they change all the time and would make every report a new one. A star at the end
    /// stands for any end. <c>uptime*</c>, <c>system_uptime*</c>, <c>load_averages</c>, <c>loadavg*</c>, <c>timestamp</c> and
    /// <c>last_run</c> when empty.
    /// </summary>
    public List<string> IgnoredFacts { get; set; } = [];

    /// <summary>
    /// How many leaves of a node's facts can be searched for; what is beyond is kept but not found. 10 to 100000; 5000 by default.
    /// </summary>
    [Between(10, 100_000)]
    public int FactsPerNodeMax { get; set; } = 5_000;

    /// <summary>
    /// Facts, as paths, of which the first that a node has is its machine's own id: two machines with one identity tell themselves apart by
    /// it. <c>machine_id</c>, <c>dmi.product.uuid</c> and <c>system_uuid</c> when empty.
    /// </summary>
    public List<string> MachineIdFacts { get; set; } = [];

    internal IReadOnlyList<string> MachineIdPaths => MachineIdFacts.Count > 0 ? MachineIdFacts : UsualMachineIdFacts;

    private static readonly string[] UsualMachineIdFacts = ["machine_id", "dmi.product.uuid", "system_uuid"];

    private static readonly string[] Restless = ["uptime*", "system_uptime*", "load_averages", "loadavg*", "timestamp", "last_run"];

    /// <summary>Whether a fact is left out.</summary>
    public bool IsIgnored(string fact)
    {
        foreach (var pattern in IgnoredFacts.Count > 0 ? (IReadOnlyList<string>)IgnoredFacts : Restless)
        {
            var matches = pattern.EndsWith('*')
                ? fact.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
                : fact == pattern;
            if (matches)
            {
                return true;
            }
        }

        return false;
    }
}

[OptionsValidator]
internal sealed partial class InventoryOptionsValidator : IValidateOptions<InventoryOptions>;
