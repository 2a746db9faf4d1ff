using System.Text.Json.Serialization;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Redis;

/// <summary>How an order is written: JSON, so that an auditor can read it without our code.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LedgerEntry))]
internal sealed partial class LedgerJson : JsonSerializerContext;
