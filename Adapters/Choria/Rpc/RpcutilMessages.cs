namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <param name="Pong">Unix seconds on the node.</param>
public sealed record PingOutput(long Pong);

public sealed record AgentInventoryOutput(IReadOnlyList<AgentDescription> Agents);

/// <param name="Timeout">Seconds.</param>
/// <param name="Service">Whether it is a service agent, of which one instance answers.</param>
public sealed record AgentDescription(
    string Agent,
    string License = "",
    string Author = "",
    int Timeout = 0,
    string Name = "",
    string Version = "",
    string Url = "",
    string Description = "",
    string? Provider = null,
    bool? Service = null);

public sealed record CollectivesOutput(string MainCollective, IReadOnlyList<string> Collectives);

/// <summary>Counters of the node since it started.</summary>
/// <param name="Starttime">Unix seconds.</param>
public sealed record DaemonStatsOutput(
    IReadOnlyList<string> Agents,
    string Configfile,
    long Filtered,
    int Pid,
    long Passed,
    IReadOnlyList<string> Threads,
    long Replies,
    long Starttime,
    long Ttlexpired,
    long Events,
    DaemonTimes Times,
    long Total,
    long Unvalidated,
    long Validated,
    string Version);

/// <summary>Processor times of the node, in seconds.</summary>
public sealed record DaemonTimes(double Cstime = 0, double Cutime = 0, double Stime = 0, double Utime = 0);

public sealed record ConfigItemInput(string Item);

/// <param name="Value">Of whatever type the setting has.</param>
public sealed record ConfigItemOutput(
    string Item, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? Value);

/// <param name="Source">The data plugin.</param>
/// <param name="Query">What to ask it; some take none.</param>
public sealed record DataQueryInput(string Source, string? Query = null);

/// <param name="Fact">A gjson path, such as <c>os.family</c>.</param>
public sealed record FactInput(string Fact);

/// <param name="Value">Null when the node has no such fact.</param>
public sealed record FactOutput(
    string Fact, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? Value);

/// <param name="Facts">Comma separated gjson paths.</param>
public sealed record FactsInput(string Facts);

public sealed record FactsOutput(IReadOnlyDictionary<string, JsonElement?> Values);

/// <param name="Facts">The facts as the node has them: any JSON object.</param>
/// <param name="Upgradable">Whether the node allows <c>release_update</c>.</param>
public sealed record InventoryOutput(
    IReadOnlyList<string> Agents,
    IReadOnlyList<string> Classes,
    IReadOnlyList<string> Collectives,
    IReadOnlyList<string> DataPlugins,
    JsonElement Facts,
    IReadOnlyList<MachineSummary> Machines,
    string MainCollective,
    string Version,
    bool Upgradable = false);

public sealed record MachineSummary(string Name, string State, string Version);
