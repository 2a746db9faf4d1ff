namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

/// <summary>The JSON of actions' inputs and outputs.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = ChoriaLimits.JsonDepthMax)]
[JsonSerializable(typeof(NoInput))]
[JsonSerializable(typeof(SecretInput))]
[JsonSerializable(typeof(MessageOutput))]
[JsonSerializable(typeof(JwtOutput))]
[JsonSerializable(typeof(Gen25519Input))]
[JsonSerializable(typeof(Gen25519Output))]
[JsonSerializable(typeof(GencsrInput))]
[JsonSerializable(typeof(GencsrOutput))]
[JsonSerializable(typeof(ConfigureInput))]
[JsonSerializable(typeof(RestartInput))]
[JsonSerializable(typeof(ReleaseUpdateInput))]
[JsonSerializable(typeof(PingOutput))]
[JsonSerializable(typeof(AgentInventoryOutput))]
[JsonSerializable(typeof(CollectivesOutput))]
[JsonSerializable(typeof(DaemonStatsOutput))]
[JsonSerializable(typeof(ConfigItemInput))]
[JsonSerializable(typeof(ConfigItemOutput))]
[JsonSerializable(typeof(DataQueryInput))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(FactInput))]
[JsonSerializable(typeof(FactOutput))]
[JsonSerializable(typeof(FactsInput))]
[JsonSerializable(typeof(FactsOutput))]
[JsonSerializable(typeof(InventoryOutput))]
[JsonSerializable(typeof(ConnectionOutput))]
[JsonSerializable(typeof(MachineStatesOutput))]
[JsonSerializable(typeof(MachineSelector))]
[JsonSerializable(typeof(MachineState))]
[JsonSerializable(typeof(MachineTransitionInput))]
[JsonSerializable(typeof(MachineTransitionOutput))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class RpcJson : JsonSerializerContext;

/// <summary>Reads and writes the JSON of actions as nodes do.</summary>
internal static class WireJson
{
    /// <summary>As Go writes it, but for <c>&lt; &gt; &amp;</c>, which Go escapes and JSON does not demand.</summary>
    public static RpcJson Rpc { get; } = new(new JsonSerializerOptions(RpcJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = null,
    });

    public static bool TryRead<T>(
        ReadOnlySpan<byte> json,
        JsonTypeInfo<T> type,
        ChoriaLayer layer,
        [NotNullWhen(true)] out T? value,
        [NotNullWhen(false)] out ChoriaFault? fault)
    {
        fault = null;
        try
        {
            value = JsonSerializer.Deserialize(json, type);
            if (value is not null)
            {
                return true;
            }

            fault = new ChoriaFault(layer, "data", "is null");
        }
        catch (JsonException malformed)
        {
            value = default;
            fault = new ChoriaFault(layer, PathOf(malformed), "is missing or not of its type");
        }

        return false;
    }

    // The path is "$.name"; the names in it may come from outside, so it is cut.
    private static string PathOf(JsonException malformed)
    {
        const int charactersMax = 64;
        var path = "data" + malformed.Path?.TrimStart('$');
        return path.Length <= charactersMax ? path : path[..charactersMax];
    }
}
