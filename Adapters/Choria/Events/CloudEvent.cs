namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization;

/// <summary>What a CloudEvent says around its data. The native form is the data alone; a watcher's <c>type</c> is its kind there.</summary>
internal sealed record CloudEvent(
    [property: JsonConverter(typeof(NonEmptyText))] string? Specversion = null,
    string? Type = null,
    string? Subject = null,
    RawJson? Data = null)
{
    /// <summary>The event itself, and of the CloudEvent around it what it must agree with: nothing when there is none.</summary>
    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> payload, ChoriaLayer layer, out string? type, out string? subject)
    {
        var around = WireJson.Read(payload, WireJson.Types.CloudEvent, layer);
        (type, subject) = (null, null);
        if (around.Specversion is null)
        {
            return payload;
        }

        WireJson.Require(around.Data is not null, layer, "data", "is missing");
        WireJson.Require(around.Type is not null, layer, "type", "is missing");
        (type, subject) = (around.Type, around.Subject);
        return payload[around.Data.Value.Place];
    }
}
