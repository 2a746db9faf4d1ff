using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Redis;

/// <summary>How entries are stored. A property that is renamed is lost: a test holds the names.</summary>
[JsonSerializable(typeof(LedgerEntry))]
internal sealed partial class LedgerJson : JsonSerializerContext
{
    /// <summary>Signs as signs: each plus of a certificate would have six bytes.</summary>
    public static LedgerJson Plain { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    });
}
