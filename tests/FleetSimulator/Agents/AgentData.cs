using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.FleetSimulator.Agents;

// The reply data of the agents' actions: names, order and types are those of the captures.
internal sealed record MessageReply(string Message);

internal sealed record JwtReply(string Jwt, string EcdhPublic);

internal sealed record Gen25519Reply(string PublicKey, string Directory, string Signature);

internal sealed record GencsrReply(string Csr, string PublicKey, [property: JsonPropertyName("ssldir")] string SslDirectory);

internal sealed record PingReply(long Pong);

internal sealed record FactReply(string Fact, JsonElement? Value);

internal sealed record CollectiveReply(string MainCollective, string[] Collectives);

internal sealed record InventoryReply(
    string[] Agents,
    string[] Classes,
    string[] Collectives,
    string[] DataPlugins,
    JsonElement Facts,
    string[] Machines,
    string MainCollective,
    string Version,
    bool Upgradable);

// What a node registers of itself.
internal sealed record InventoryContent(
    RegisteredAgent[] Agents,
    string[] Classes,
    JsonElement Facts,
    RegisteredStatus Status,
    string[] Collectives,
    RegisteredBuild BuildInfo,
    string[] Machines);

internal sealed record RegisteredAgent(string Name);

internal sealed record RegisteredStatus(string Identity, long Uptime, string ConnectedServer, bool ProvisioningMode);

internal sealed record RegisteredBuild(string Version, string Sha);

internal sealed record AgentDescription(
    string Agent, string License, string Author, int Timeout, string Name, string Version, string Url, string Description);

internal sealed record AgentInventoryReply(AgentDescription[] Agents);

internal sealed record CpuTimes(int Cstime, int Cutime, int Stime, int Utime);

internal sealed record DaemonStatsReply(
    string[] Agents,
    [property: JsonPropertyName("configfile")] string ConfigurationFile,
    long Filtered,
    int Pid,
    long Passed,
    string[] Threads,
    long Replies,
    [property: JsonPropertyName("starttime")] long StartTime,
    [property: JsonPropertyName("ttlexpired")] long TtlExpired,
    long Events,
    CpuTimes Times,
    long Total,
    long Unvalidated,
    long Validated,
    string Version);

internal sealed record ClientOptionsReply(
    string[] Servers,
    bool DontRandomizeServers,
    string Name,
    bool Pedantic,
    bool Secure,
    bool AllowReconnect,
    int MaxReconnectAttempts,
    int ReconnectTimeWait,
    int ConnectTimeout,
    int PingInterval,
    int MaxOutstandingPings);

internal sealed record ClientStatsReply(long InMsgs, long OutMsgs, long InBytes, long OutBytes, long Reconnects);

internal sealed record InfoReply(
    string Security,
    string Connector,
    string ClientVersion,
    string ClientFlavour,
    ClientOptionsReply ClientOptions,
    ClientStatsReply ClientStats,
    string ConnectedServer,
    string FacterDomain,
    string FacterCommand,
    string SrvDomain,
    bool UsingSrv,
    string[] MiddlewareServers,
    string Path,
    string ChoriaVersion,
    bool SecureProtocol,
    bool ConnectorTls);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MessageReply))]
[JsonSerializable(typeof(JwtReply))]
[JsonSerializable(typeof(Gen25519Reply))]
[JsonSerializable(typeof(GencsrReply))]
[JsonSerializable(typeof(PingReply))]
[JsonSerializable(typeof(FactReply))]
[JsonSerializable(typeof(CollectiveReply))]
[JsonSerializable(typeof(InventoryReply))]
[JsonSerializable(typeof(AgentInventoryReply))]
[JsonSerializable(typeof(DaemonStatsReply))]
[JsonSerializable(typeof(InventoryContent))]
[JsonSerializable(typeof(InfoReply))]
[JsonSerializable(typeof(RunReply))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class AgentJson : JsonSerializerContext;
