namespace ControlPlane.Adapters.Choria;

using System.IO.Compression;

internal static class RegistrationReader
{
    private static readonly WireFields Fields = new(["protocol"], ["content", "zcontent", "mtime", "file", "updated"]);

    public static RegistrationBody Read(ReadOnlyMemory<byte> body, int contentBytesMax)
    {
        var cursor = new WireCursor(NodeText.WellFormed(body).Span, ChoriaLayer.Registration);
        var (protocol, file, modified, updated) = ("", "", 0L, false);
        byte[]? plain = null;
        byte[]? packed = null;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    protocol = cursor.ReadString();
                    break;
                case "content":
                    // Base64 of a file, but the inventory as it is.
                    plain = cursor.IsObject ? cursor.ReadRaw(out _).ToArray() : cursor.ReadBase64();
                    break;
                case "zcontent":
                    packed = cursor.ReadBase64();
                    break;
                case "mtime":
                    modified = cursor.ReadInteger();
                    break;
                case "file":
                    file = cursor.ReadString();
                    break;
                default:
                    updated = cursor.ReadBoolean();
                    break;
            }
        }

        cursor.End();
        var content = Unpack(plain, packed, contentBytesMax);
        return protocol switch
        {
            RegistrationProtocols.FileContent => new RegistrationBody.FileContent(file, modified, updated, content),
            RegistrationProtocols.InventoryContent => new RegistrationBody.InventoryContent(RequireObject(content)),
            _ => throw Fault("protocol", "is not that of a registration"),
        };
    }

    private static byte[] Unpack(byte[]? plain, byte[]? packed, int bytesMax)
    {
        if (packed is not null && plain is not null)
        {
            throw Fault("content", "is there twice, packed and plain");
        }

        var content = packed is not null ? Gunzip(packed, bytesMax) : plain ?? throw Fault("content", "is missing");
        return content.Length <= bytesMax ? content : throw TooLarge("content", bytesMax);
    }

    private static byte[] Gunzip(byte[] packed, int bytesMax)
    {
        const int chunkBytes = 16 * 1024;
        using var plain = new MemoryStream();
        try
        {
            using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
            var chunk = new byte[chunkBytes];
            for (var read = gzip.Read(chunk); read > 0; read = gzip.Read(chunk))
            {
                plain.Write(chunk, 0, read);
                if (plain.Length > bytesMax)
                {
                    throw TooLarge("zcontent", bytesMax);
                }
            }
        }
        catch (InvalidDataException malformed)
        {
            throw Fault("zcontent", "is not gzip", malformed);
        }

        return plain.ToArray();
    }

    private static ReadOnlyMemory<byte> RequireObject(byte[] json)
    {
        var text = NodeText.WellFormed(json);
        var cursor = new WireCursor(text.Span, ChoriaLayer.Registration);
        cursor.Begin();
        cursor.ReadRaw(out _);
        cursor.End();
        return text;
    }

    private static ChoriaFormatException TooLarge(string field, int bytesMax) => Fault(field, $"is larger than {bytesMax} bytes");

    private static ChoriaFormatException Fault(string field, string problem, Exception? inner = null) =>
        new(new ChoriaFault(ChoriaLayer.Registration, field, problem), inner);
}
