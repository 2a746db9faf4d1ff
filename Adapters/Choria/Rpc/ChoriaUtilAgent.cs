namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>The <c>choria_util</c> agent: how a node is connected, and its autonomous agents.</summary>
public static class ChoriaUtilAgent
{
    public const string Name = "choria_util";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>The <c>info</c> action.</summary>
    public static readonly RpcAction<NoInput, ConnectionOutput> Connection =
        new(Name, "info", Timeout, WireJson.Types.NoInput, WireJson.Types.ConnectionOutput);

    public static readonly RpcAction<NoInput, MachineStatesOutput> MachineStates =
        new(Name, "machine_states", Timeout, WireJson.Types.NoInput, WireJson.Types.MachineStatesOutput);

    public static readonly RpcAction<MachineSelector, MachineState> MachineState =
        new(Name, "machine_state", Timeout, WireJson.Types.MachineSelector, WireJson.Types.MachineState);

    public static readonly RpcAction<MachineTransitionInput, MachineTransitionOutput> MachineTransition =
        new(Name, "machine_transition", Timeout, WireJson.Types.MachineTransitionInput, WireJson.Types.MachineTransitionOutput);
}

/// <summary>How a node is connected.</summary>
/// <param name="ClientOptions">The options of its NATS client.</param>
/// <param name="ClientStats">The counters of its NATS client.</param>
public sealed record ConnectionOutput(
    string Security,
    string Connector,
    string ClientVersion,
    string ClientFlavour,
    JsonElement ClientOptions,
    JsonElement ClientStats,
    string ConnectedServer,
    string FacterDomain,
    string FacterCommand,
    string SrvDomain,
    bool UsingSrv,
    IReadOnlyList<string> MiddlewareServers,
    string Path,
    string ChoriaVersion,
    bool SecureProtocol,
    bool ConnectorTls);

public sealed record MachineStatesOutput(
    IReadOnlyList<string> MachineIds, IReadOnlyList<string> MachineNames, IReadOnlyDictionary<string, MachineState> States);

/// <summary>Names one autonomous agent; null parts match any.</summary>
public sealed record MachineSelector(string? Instance = null, string? Name = null, string? Path = null);

/// <param name="StartTime">Unix seconds.</param>
/// <param name="AvailableTransitions">Null when there are none.</param>
/// <param name="CurrentState">What the watcher says of itself; Scout checks have it.</param>
public sealed record MachineState(
    string Name,
    string Version,
    string State,
    string Path,
    string Id,
    long StartTime,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyList<string>? AvailableTransitions,
    bool Scout = false,
    JsonElement? CurrentState = null);

public sealed record MachineTransitionInput(
    string Transition, string? Instance = null, string? Version = null, string? Name = null, string? Path = null);

public sealed record MachineTransitionOutput(bool Success);
