namespace ControlPlane.Adapters.Fleet;

/// <summary>How nodes decide what a caller may do, as their configuration says. Keys and defaults: choria-protocol 9.2 and 9.4.</summary>
internal static class RpcAuthorization
{
    private static readonly string[] Off = ["0", "no", "false", "n", "f"];

    /// <summary>Whether nodes look into the caller's token.</summary>
    public static bool IsByToken(IReadOnlyDictionary<string, string> configuration) =>
        IsOn(configuration) && configuration.GetValueOrDefault("rpcauthprovider") == "aaasvc";

    /// <summary>
    /// Whether nodes look for a policy file of each agent, and deny what has none: what an agent does that is told nothing.
    /// </summary>
    public static bool IsByPolicyFile(IReadOnlyDictionary<string, string> configuration) =>
        IsOn(configuration) && (configuration.GetValueOrDefault("rpcauthprovider") is null or "action_policy");

    // What a node cannot read as yes or no leaves the default in force, which is on.
    private static bool IsOn(IReadOnlyDictionary<string, string> configuration) =>
        !configuration.TryGetValue("rpcauthorization", out var given) || !Off.Contains(given, StringComparer.OrdinalIgnoreCase);
}
