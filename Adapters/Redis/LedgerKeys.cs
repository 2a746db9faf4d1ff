using ControlPlane.Certificates;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>
/// Where the ledger of each issuer lies. All keys of an issuer carry one hash tag, so that a write is one script also in a Redis cluster.
/// </summary>
internal sealed class LedgerKeys(string scope)
{
    public static readonly LedgerState[] States = Enum.GetValues<LedgerState>();

    /// <summary>One order.</summary>
    public RedisKey Order(string issuer, string orderId) => $"{TagOf(issuer)}:order:{orderId}";

    /// <summary>The orders that are in a state, by their positions.</summary>
    public RedisKey Index(string issuer, LedgerState state) => $"{TagOf(issuer)}:state:{(int)state}";

    /// <summary>The orders of a node, by their age.</summary>
    public RedisKey Node(string issuer, string identity) => $"{TagOf(issuer)}:node:{identity}";

    /// <summary>The order of a certificate.</summary>
    public RedisKey Serial(string issuer, string signer, string serialNumber) => $"{TagOf(issuer)}:serial:{signer}:{serialNumber}";

    /// <summary>The history of a shard, as far as the log may not have it.</summary>
    public RedisKey Outbox(string issuer, int shard) => $"{TagOf(issuer)}:history:{shard}";

    /// <summary>The last record of a shard's history.</summary>
    public RedisKey Head(string issuer, int shard) => $"{TagOf(issuer)}:history:{shard}:head";

    // Escaped, since a brace in a name would move the hash tag.
    public string TagOf(string issuer) => $"certificates:{{{Uri.EscapeDataString(scope)}/{Uri.EscapeDataString(issuer)}}}";
}
