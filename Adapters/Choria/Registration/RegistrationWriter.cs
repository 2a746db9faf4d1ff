namespace ControlPlane.Adapters.Choria;

using System.Diagnostics;
using System.IO.Compression;

internal static class RegistrationWriter
{
    public static byte[] Write(RegistrationBody body, bool compress)
    {
        using var writer = new WireWriter();
        switch (body)
        {
            case RegistrationBody.FileContent file:
                writer.Raw("{\"mtime\":"u8).Number(file.ModifiedAtSeconds).Raw(",\"file\":"u8).Text(file.File);
                writer.Raw(file.Updated ? ",\"updated\":true"u8 : ",\"updated\":false"u8);
                writer.Raw(",\"protocol\":"u8).Text(RegistrationProtocols.FileContent);
                writer.Raw(compress ? ",\"zcontent\":"u8 : ",\"content\":"u8);
                writer.Base64(compress ? Gzip(file.Content.Span) : file.Content.Span);
                break;
            case RegistrationBody.InventoryContent inventory when compress:
                writer.Raw("{\"protocol\":"u8).Text(RegistrationProtocols.InventoryContent);
                writer.Raw(",\"zcontent\":"u8).Base64(Gzip(inventory.Json.Span));
                break;
            case RegistrationBody.InventoryContent inventory:
                writer.Raw("{\"protocol\":"u8).Text(RegistrationProtocols.InventoryContent);
                writer.Raw(",\"content\":"u8).Raw(inventory.Json.Span);
                break;
            default:
                throw new UnreachableException();
        }

        return writer.Raw("}"u8).ToArray();
    }

    private static byte[] Gzip(ReadOnlySpan<byte> plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return packed.ToArray();
    }
}
