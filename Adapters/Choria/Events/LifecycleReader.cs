namespace ControlPlane.Adapters.Choria;

internal static class LifecycleReader
{
    private static readonly WireFields Fields = new(
        ["protocol", "id", "identity", "component", "timestamp"],
        ["version", "new_version", "governor", "sequence", "event_type"]);

    // What DateTimeOffset can hold: the years 1 and 9999.
    private static readonly long SecondsMin = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long SecondsMax = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    public static LifecycleEvent Read(ReadOnlySpan<byte> payload)
    {
        var wrapped = CloudEventReader.Open(payload, ChoriaLayer.LifecycleEvent);
        var native = ReadNative(wrapped.Data, out var protocol);
        if (wrapped.Type is not null && wrapped.Type != protocol)
        {
            throw Fault("type", "is not that of the data");
        }

        // Routing goes by one of the two names and trust by the other: an event whose names differ is nobody's.
        if (wrapped.Subject is not null && wrapped.Subject != native.Identity)
        {
            throw Fault("subject", "is not the identity in the data");
        }

        return native;
    }

    private static LifecycleEvent ReadNative(ReadOnlySpan<byte> json, out string protocol)
    {
        var cursor = new WireCursor(json, ChoriaLayer.LifecycleEvent);
        var draft = new LifecycleEvent { Kind = 0, Id = "", Identity = "", Component = "", UnixSeconds = 0 };
        protocol = "";
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            if (cursor.Field == "protocol")
            {
                protocol = cursor.ReadString();
                draft = draft with { Kind = LifecycleNames.KindOf(protocol) ?? throw cursor.Fault("is not that of a lifecycle event") };
                continue;
            }

            draft = WithField(draft, ref cursor);
        }

        cursor.End();
        return draft;
    }

    private static LifecycleEvent WithField(LifecycleEvent draft, ref WireCursor cursor) => cursor.Field switch
    {
        "id" => draft with { Id = cursor.ReadName() },
        "identity" => draft with { Identity = cursor.ReadNonEmptyName() },
        "component" => draft with { Component = cursor.ReadNonEmptyName() },
        "timestamp" => draft with { UnixSeconds = cursor.ReadInteger(SecondsMin, SecondsMax) },
        "version" => draft with { Version = cursor.ReadName() },
        "new_version" => draft with { NewVersion = cursor.ReadName() },
        "governor" => draft with { Governor = cursor.ReadName() },
        "sequence" => draft with { Sequence = cursor.ReadInteger() },
        _ => draft with { GovernorAction = cursor.ReadName() },
    };

    private static ChoriaFormatException Fault(string field, string problem) =>
        new(new ChoriaFault(ChoriaLayer.LifecycleEvent, field, problem));
}
