using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Ddl;

/// <summary>Asks the service agent <c>choria_registry</c> for DDLs, and remembers what it said. Thread-safe.</summary>
internal sealed partial class RegistryDdls(INodeRpc rpc, string overlay, TimeProvider time, ILogger logger)
{
    private const string Agent = "choria_registry";

    /// <summary>Agents whose DDL is remembered; what is beyond is asked for each time.</summary>
    private const int RememberedMax = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UnknownFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Remembered> remembered = new(StringComparer.Ordinal);

    public async Task<AgentDdl?> FindAsync(string agent, CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        if (remembered.TryGetValue(agent, out var known)
            && time.GetElapsedTime(known.At, now) < (known.Ddl is null ? UnknownFor : KnownFor))
        {
            return known.Ddl;
        }

        var asked = await AskAsync(agent, cancellationToken);
        if (remembered.Count < RememberedMax || remembered.ContainsKey(agent))
        {
            remembered[agent] = new Remembered(asked, now);
        }

        return asked;
    }

    private async Task<AgentDdl?> AskAsync(string agent, CancellationToken cancellationToken)
    {
        var inputs = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, string> { ["plugin_type"] = "agent", ["name"] = agent, ["format"] = "json" });
        try
        {
            var reply = await rpc.AskServiceAsync(overlay, Agent, "ddl", inputs, Patience, cancellationToken);
            if (reply.StatusCode != 0)
            {
                LogUnknown(agent, reply.Message);
                return null;
            }

            var read = DdlReader.Read(TextOf(reply.DataJson));
            if (read.Ddl is { } ddl && ddl.Name == agent)
            {
                return ddl;
            }

            LogUnknown(agent, read.Ddl is { } other ? $"it sent the DDL of {other.Name}" : string.Join("; ", read.Faults));
        }
        catch (Exception away) when (away is NodeSilentException or NetworkUnavailableException)
        {
            LogUnknown(agent, away.Message);
        }

        return null;
    }

    private static ReadOnlyMemory<byte> TextOf(ReadOnlyMemory<byte> dataJson)
    {
        try
        {
            using var data = JsonDocument.Parse(dataJson);
            return data.RootElement.ValueKind == JsonValueKind.Object
                && data.RootElement.TryGetProperty("ddl", out var ddl) && ddl.ValueKind == JsonValueKind.String
                ? Encoding.UTF8.GetBytes(ddl.GetString()!)
                : ReadOnlyMemory<byte>.Empty;
        }
        catch (JsonException)
        {
            return ReadOnlyMemory<byte>.Empty;
        }
    }

    private sealed record Remembered(AgentDdl? Ddl, long At);

    [LoggerMessage(LogLevel.Information, "The registry gave no DDL of agent '{Agent}': {Detail}")]
    private partial void LogUnknown(string agent, string detail);
}
