namespace ControlPlane.Adapters.Choria;

/// <summary>What a CloudEvent says around its data.</summary>
internal readonly ref struct CloudEvent(string? type, string? subject, ReadOnlySpan<byte> data)
{
    public string? Type { get; } = type;

    public string? Subject { get; } = subject;

    /// <summary>The event itself: the data of a CloudEvent, or the whole payload when it is not one.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;
}

internal static class CloudEventReader
{
    private static readonly WireFields Fields = new([], ["specversion", "type", "subject", "data"]);

    public static CloudEvent Open(ReadOnlySpan<byte> payload, ChoriaLayer layer)
    {
        var cursor = new WireCursor(payload, layer);
        string? version = null;
        string? type = null;
        string? subject = null;
        ReadOnlySpan<byte> data = default;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "specversion":
                    version = cursor.ReadNonEmptyString();
                    break;
                case "type":
                    // In a watcher's native form, "type" is the kind of watcher; only CloudEvents are asked for theirs.
                    type = cursor.ReadString();
                    break;
                case "subject":
                    subject = cursor.ReadString();
                    break;
                default:
                    data = cursor.ReadRaw(out _);
                    break;
            }
        }

        cursor.End();
        if (version is null)
        {
            return new CloudEvent(null, null, payload);
        }

        return data.IsEmpty ? throw Missing(layer, "data") : new CloudEvent(type ?? throw Missing(layer, "type"), subject, data);
    }

    private static ChoriaFormatException Missing(ChoriaLayer layer, string field) => new(new ChoriaFault(layer, field, "is missing"));
}
