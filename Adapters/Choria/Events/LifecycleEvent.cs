namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>The types of lifecycle events.</summary>
public enum LifecycleKind
{
    Startup = 1,
    Shutdown = 2,
    Provisioned = 3,
    Alive = 4,
    Governor = 5,
    Upgraded = 6,
}

/// <summary>What a component of Choria says of itself on <c>choria.lifecycle.event.&lt;type&gt;.&lt;component&gt;</c>.</summary>
public sealed record LifecycleEvent
{
    [JsonPropertyName("protocol"), JsonConverter(typeof(LifecycleKindConverter))]
    public required LifecycleKind Kind { get; init; }

    /// <summary>A UUID. Alive events of one process all have the same: it does not tell duplicates.</summary>
    [JsonConverter(typeof(NameText))]
    public required string Id { get; init; }

    /// <summary>Who reports; the subject does not say.</summary>
    [JsonConverter(typeof(NonEmptyName))]
    public required string Identity { get; init; }

    /// <summary><c>server</c>, <c>provision_mode_server</c> and so on.</summary>
    [JsonConverter(typeof(NonEmptyName))]
    public required string Component { get; init; }

    /// <summary>Unix seconds. Alive events repeat that of the start of the process.</summary>
    [JsonPropertyName("timestamp"), JsonConverter(typeof(UnixSecondsConverter))]
    public required long UnixSeconds { get; init; }

    /// <summary>The running version; startup, alive and upgraded have it.</summary>
    [JsonConverter(typeof(NameText))]
    public string? Version { get; init; }

    /// <summary>The version that comes next; upgraded only.</summary>
    [JsonConverter(typeof(NameText))]
    public string? NewVersion { get; init; }

    /// <summary>The governor's name; governor only, as the two that follow.</summary>
    [JsonConverter(typeof(NameText))]
    public string? Governor { get; init; }

    public long? Sequence { get; init; }

    /// <summary><c>enter</c>, <c>exit</c>, <c>timeouts</c> or <c>eviction</c>.</summary>
    [JsonPropertyName("event_type"), JsonConverter(typeof(NameText))]
    public string? GovernorAction { get; init; }

    [JsonIgnore]
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(UnixSeconds);

    /// <summary>Where it is published.</summary>
    [JsonIgnore]
    public string Subject => ChoriaSubjects.Lifecycle(LifecycleNames.Of(Kind), Component);

    /// <summary>Reads an event in either form. Never throws for what the payload may hold.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out LifecycleEvent? decoded, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(payload, Read, out decoded, out fault);

    /// <summary>As nodes publish it unless told otherwise: a CloudEvent with the native form as its data.</summary>
    public byte[] EncodeCloudEvent() => WireJson.Write(
        new LifecycleCloudEvent(
            "1.0",
            Id,
            "io.choria.lifecycle",
            LifecycleNames.ProtocolOf(Kind),
            Identity,
            "application/json",
            Time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            this),
        WireJson.Types.LifecycleCloudEvent);

    /// <summary>As the provisioner and governors publish theirs.</summary>
    public byte[] EncodeNative() => WireJson.Write(this, WireJson.Types.LifecycleEvent);

    private static LifecycleEvent Read(ReadOnlySpan<byte> payload)
    {
        const ChoriaLayer layer = ChoriaLayer.LifecycleEvent;
        var native = WireJson.Read(CloudEvent.Open(payload, layer, out var type, out var subject), WireJson.Types.LifecycleEvent, layer);
        WireJson.Require(type is null || LifecycleNames.KindOf(type) == native.Kind, layer, "type", "is not that of the data");

        // Routing goes by one of the two names and trust by the other: an event whose names differ is nobody's.
        WireJson.Require(subject is null || subject == native.Identity, layer, "subject", "is not the identity in the data");
        return native;
    }
}

internal sealed record LifecycleCloudEvent(
    string Specversion,
    string Id,
    string Source,
    string Type,
    string Subject,
    string Datacontenttype,
    string Time,
    LifecycleEvent Data);

internal sealed class LifecycleKindConverter : JsonConverter<LifecycleKind>
{
    public override LifecycleKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        LifecycleNames.KindOf(reader.GetString() ?? "") ?? throw new JsonException("is not that of a lifecycle event");

    public override void Write(Utf8JsonWriter writer, LifecycleKind value, JsonSerializerOptions options) =>
        writer.WriteStringValue(LifecycleNames.ProtocolOf(value));
}

internal static class LifecycleNames
{
    private const string ProtocolPrefix = "io.choria.lifecycle.v1.";
    private const string OldPrefix = "choria:lifecycle:";
    private const string OldSuffix = ":1";

    public static string Of(LifecycleKind kind) => kind switch
    {
        LifecycleKind.Startup => "startup",
        LifecycleKind.Shutdown => "shutdown",
        LifecycleKind.Provisioned => "provisioned",
        LifecycleKind.Alive => "alive",
        LifecycleKind.Governor => "governor",
        LifecycleKind.Upgraded => "upgraded",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a type of lifecycle event"),
    };

    public static string ProtocolOf(LifecycleKind kind) => ProtocolPrefix + Of(kind);

    public static LifecycleKind? KindOf(string protocol)
    {
        var name = protocol.StartsWith(ProtocolPrefix, StringComparison.Ordinal) ? protocol[ProtocolPrefix.Length..]
            : protocol.StartsWith(OldPrefix, StringComparison.Ordinal) && protocol.EndsWith(OldSuffix, StringComparison.Ordinal)
                && protocol.Length > OldPrefix.Length + OldSuffix.Length
                ? protocol[OldPrefix.Length..^OldSuffix.Length]
                : "";
        return name switch
        {
            "startup" => LifecycleKind.Startup,
            "shutdown" => LifecycleKind.Shutdown,
            "provisioned" => LifecycleKind.Provisioned,
            "alive" => LifecycleKind.Alive,
            "governor" => LifecycleKind.Governor,
            "upgraded" => LifecycleKind.Upgraded,
            _ => null,
        };
    }
}
