using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Adapters.Choria;
using ControlPlane.Fleet;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Publishes liveness in the form of Choria's stream replicator, <c>io.choria.sr.v2.age_advisory</c>.</summary>
internal sealed class AgeAdvisories(
    [FromKeyedServices(Logs.Advisories)] ILog log, IOptions<OverlaysOptions> overlays) : ILivenessAdvisories
{
    public Task PublishAsync(LivenessAdvisory advisory, CancellationToken cancellationToken)
    {
        var (id, content) = Write(advisory, overlays.Value.Local);
        return log.AppendAsync(new LogRecord(NameOf(advisory.Kind), id, content), expected: null, cancellationToken);
    }

    /// <summary>The advisory's id and its JSON. The same advisory has the same id, so that a retry is stored once.</summary>
    public static (string Id, byte[] Content) Write(LivenessAdvisory advisory, string overlay)
    {
        var (seen, at) = (advisory.LastHeardAt.ToUnixTimeSeconds(), advisory.At.ToUnixTimeSeconds());
        var name = NameOf(advisory.Kind);
        var digest = SHA256.HashData(
            Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{overlay}\n{advisory.Identity}\n{name}\n{seen}")));
        var id = Ksuid.From(seen, digest.AsSpan(0, Ksuid.RandomBytes));
        var body = new AgeAdvisory(
            "io.choria.sr.v2.age_advisory",
            id,
            "identity",
            Math.Max(0, at - seen),
            seen,
            $"controlplane.{overlay}",
            at,
            name,
            advisory.Identity);
        return (id, JsonSerializer.SerializeToUtf8Bytes(body, AdvisoryJson.Default.AgeAdvisory));
    }

    private static string NameOf(AdvisoryKind kind) => kind switch
    {
        AdvisoryKind.New => "new",
        AdvisoryKind.Timeout => "timeout",
        AdvisoryKind.Recover => "recover",
        AdvisoryKind.Expire => "expire",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not an advisory of Choria's"),
    };
}

/// <summary>As it is on the wire: the names and their order are those of the capture.</summary>
internal sealed record AgeAdvisory(
    [property: JsonPropertyName("protocol")] string Protocol,
    [property: JsonPropertyName("event_id")] string EventId,
    [property: JsonPropertyName("inspect_field")] string InspectField,
    [property: JsonPropertyName("age")] long AgeSeconds,
    [property: JsonPropertyName("seen")] long Seen,
    [property: JsonPropertyName("replicator")] string Replicator,
    [property: JsonPropertyName("timestamp")] long Timestamp,
    [property: JsonPropertyName("event")] string Event,
    [property: JsonPropertyName("value")] string Value);

[JsonSerializable(typeof(AgeAdvisory))]
internal sealed partial class AdvisoryJson : JsonSerializerContext;
