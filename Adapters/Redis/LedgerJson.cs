using System.Text.Json.Serialization;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Redis;

/// <summary>How entries are stored. A property that is renamed is lost: a test holds the names.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LedgerEntry))]
internal sealed partial class LedgerJson : JsonSerializerContext;
