namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>Every JSON object of Choria's but tokens.</summary>
/// <remarks>
/// Names match in any case, as in Go, so that what we read of a message is what a node reads of it: a name that comes twice, in whatever
/// case, is refused, where Go would take the last one and another reader the first. Unknown names are skipped.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    PropertyNameCaseInsensitive = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = ChoriaLimits.JsonDepthMax,
    Converters = [typeof(TextsConverter)])]
[JsonSerializable(typeof(TransportJson))]
[JsonSerializable(typeof(SecureRequestV1))]
[JsonSerializable(typeof(SecureRequestV2))]
[JsonSerializable(typeof(SecureReplyV1))]
[JsonSerializable(typeof(SecureReplyV2))]
[JsonSerializable(typeof(RequestV1))]
[JsonSerializable(typeof(RequestV2))]
[JsonSerializable(typeof(ReplyV1))]
[JsonSerializable(typeof(ReplyV2))]
[JsonSerializable(typeof(ProtocolHead))]
[JsonSerializable(typeof(RpcRequestJson))]
[JsonSerializable(typeof(RpcReplyJson))]
[JsonSerializable(typeof(CloudEvent))]
[JsonSerializable(typeof(LifecycleEvent))]
[JsonSerializable(typeof(LifecycleCloudEvent))]
[JsonSerializable(typeof(MachineEventJson))]
[JsonSerializable(typeof(RegistrationJson))]
[JsonSerializable(typeof(AdapterOutputJson))]
[JsonSerializable(typeof(RawJson))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(byte[]))]
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
[JsonSerializable(typeof(SignInput))]
[JsonSerializable(typeof(SignOutput))]
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
internal sealed partial class ChoriaJson : JsonSerializerContext;
