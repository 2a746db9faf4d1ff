namespace ControlPlane.Adapters.Choria;

using System.Globalization;

internal static class LifecycleWriter
{
    public static byte[] WriteNative(LifecycleEvent written)
    {
        using var writer = new WireWriter();
        Write(writer, written);
        return writer.ToArray();
    }

    public static byte[] WriteCloudEvent(LifecycleEvent written)
    {
        using var writer = new WireWriter();
        writer.Raw("{\"specversion\":\"1.0\",\"id\":"u8).Text(written.Id).Raw(",\"source\":\"io.choria.lifecycle\",\"type\":"u8);
        writer.Text(Protocol(written)).Raw(",\"subject\":"u8).Text(written.Identity);
        writer.Raw(",\"datacontenttype\":\"application/json\",\"time\":"u8);
        writer.Text(written.Time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).Raw(",\"data\":"u8);
        Write(writer, written);
        return writer.Raw("}"u8).ToArray();
    }

    private static string Protocol(LifecycleEvent written) => LifecycleNames.ProtocolPrefix + LifecycleNames.Of(written.Kind);

    private static void Write(WireWriter writer, LifecycleEvent written)
    {
        writer.Raw("{\"protocol\":"u8).Text(Protocol(written)).Raw(",\"id\":"u8).Text(written.Id);
        writer.Raw(",\"identity\":"u8).Text(written.Identity).Raw(",\"component\":"u8).Text(written.Component);
        writer.Raw(",\"timestamp\":"u8).Number(written.UnixSeconds);
        Optional(writer, ",\"version\":"u8, written.Version);
        Optional(writer, ",\"new_version\":"u8, written.NewVersion);
        Optional(writer, ",\"governor\":"u8, written.Governor);
        if (written.Sequence is { } sequence)
        {
            writer.Raw(",\"sequence\":"u8).Number(sequence);
        }

        Optional(writer, ",\"event_type\":"u8, written.GovernorAction);
        writer.Raw("}"u8);
    }

    private static void Optional(WireWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.Raw(name).Text(value);
        }
    }
}
