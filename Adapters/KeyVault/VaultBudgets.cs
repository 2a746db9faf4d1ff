using System.Collections.Concurrent;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>One budget for each vault: issuers whose keys are in the same vault share its limit.</summary>
internal sealed class VaultBudgets(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, VaultBudget> budgets = new(StringComparer.OrdinalIgnoreCase);

    public VaultBudget Of(Uri vault) => budgets.GetOrAdd(vault.Host, _ => new VaultBudget(time));
}
