namespace ControlPlane.Adapters.Choria;

using System.Diagnostics;
using System.IO.Compression;

/// <summary>A registration as it is on the wire.</summary>
internal sealed record RegistrationJson
{
    private const string FileContent = "choria:registration:filecontent:1";
    private const string InventoryContent = "choria:registration:inventorycontent:1";
    private const ChoriaLayer Layer = ChoriaLayer.Registration;

    public long? Mtime { get; init; }

    public string? File { get; init; }

    public bool? Updated { get; init; }

    public required string Protocol { get; init; }

    public byte[]? Zcontent { get; init; }

    /// <summary>Base64 of a file, but the inventory as it is.</summary>
    public RawJson? Content { get; init; }

    public static RegistrationBody Read(ReadOnlyMemory<byte> body, int contentBytesMax)
    {
        var text = NodeText.WellFormed(body);
        var json = WireJson.Read(text.Span, WireJson.Types.RegistrationJson, Layer);
        var content = json.Unpack(text, contentBytesMax);
        return json.Protocol switch
        {
            FileContent => new RegistrationBody.FileContent(json.File ?? "", json.Mtime ?? 0, json.Updated ?? false, content),
            InventoryContent => new RegistrationBody.InventoryContent(RequireObject(content)),
            _ => throw Fault("protocol", "is not that of a registration"),
        };
    }

    public static byte[] Write(RegistrationBody body, bool compress) => WireJson.Write(
        body switch
        {
            RegistrationBody.FileContent file => new RegistrationJson
            {
                Mtime = file.ModifiedAtSeconds,
                File = file.File,
                Updated = file.Updated,
                Protocol = FileContent,
                Zcontent = compress ? Gzip(file.Content.Span) : null,
                Content = compress ? null : new RawJson(WireJson.Write(file.Content.ToArray(), WireJson.Types.ByteArray)),
            },
            RegistrationBody.InventoryContent inventory => new RegistrationJson
            {
                Protocol = InventoryContent,
                Zcontent = compress ? Gzip(inventory.Json.Span) : null,
                Content = compress ? null : new RawJson(inventory.Json),
            },
            _ => throw new UnreachableException(),
        },
        WireJson.Types.RegistrationJson);

    private ReadOnlyMemory<byte> Unpack(ReadOnlyMemory<byte> json, int bytesMax)
    {
        WireJson.Require(Zcontent is null || Content is null, Layer, "content", "is there twice, packed and plain");
        var content = Zcontent is not null ? Gunzip(Zcontent, bytesMax)
            : Content is not { } plain ? throw Fault("content", "is missing")
            : plain.In(json) is var raw && raw.Span[0] == (byte)'{' ? raw.ToArray()
            : WireJson.Read(raw.Span, WireJson.Types.ByteArray, Layer, "content");
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

    private static byte[] Gzip(ReadOnlySpan<byte> plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return packed.ToArray();
    }

    private static ReadOnlyMemory<byte> RequireObject(ReadOnlyMemory<byte> json)
    {
        var text = NodeText.WellFormed(json);
        return WireJson.Read(text.Span, WireJson.Types.RawJson, Layer, "content").ObjectIn(text, Layer, "content");
    }

    private static ChoriaFormatException TooLarge(string field, int bytesMax) => Fault(field, $"is larger than {bytesMax} bytes");

    private static ChoriaFormatException Fault(string field, string problem, Exception? inner = null) =>
        new(new ChoriaFault(Layer, field, problem), inner);
}
