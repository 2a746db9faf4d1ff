using System.Text.Json;

namespace ControlPlane.Adapters.Fleet.Placement;

/// <summary>How overlays write to each other: JSON, since what comes over a network must be readable without trusting it.</summary>
internal static class LinkJson
{
    /// <summary>No message is longer; NATS itself refuses more by default.</summary>
    public const int BytesMax = 1 << 20;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public static string SubjectOf(string region, string overlay) => $"controlplane.placement.{region}.{overlay}";

    /// <summary>
    /// Where answers come. Not in the inbox of who asks, to which a broker of v2 lets no other client publish: this both are given by name.
    /// </summary>
    public static string AnswersOf(string region) => $"controlplane.placement.{region}.answers.*";

    public static byte[] Write<T>(T message) => JsonSerializer.SerializeToUtf8Bytes(message, Options);

    /// <summary>Null when it cannot be read.</summary>
    public static T? ReadOrNull<T>(byte[]? payload)
        where T : class
    {
        try
        {
            return payload is { Length: > 0 and <= BytesMax } ? JsonSerializer.Deserialize<T>(payload, Options) : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or NotSupportedException)
        {
            return null;
        }
    }
}
