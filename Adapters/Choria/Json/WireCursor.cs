namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

/// <summary>
/// Reads JSON objects of known fields and unknown origin. Whatever is wrong becomes a <see cref="ChoriaFormatException"/> that
/// names layer and field; unknown fields are skipped, as Choria does.
/// </summary>
internal ref struct WireCursor
{
    private readonly ReadOnlySpan<byte> json;
    private readonly ChoriaLayer layer;
    private Utf8JsonReader reader;
    private string path = "";

    public WireCursor(ReadOnlySpan<byte> json, ChoriaLayer layer)
    {
        if (json.Length > ChoriaLimits.PayloadBytesMax)
        {
            throw new ChoriaFormatException(new ChoriaFault(layer, "", $"is larger than {ChoriaLimits.PayloadBytesMax} bytes"));
        }

        this.json = json;
        this.layer = layer;
        reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = ChoriaLimits.JsonDepthMax });
    }

    /// <summary>The name of the field whose value is next.</summary>
    public string Field { get; private set; } = "";

    public readonly bool IsObject => reader.TokenType == JsonTokenType.StartObject;

    public readonly bool IsString => reader.TokenType == JsonTokenType.String;

    /// <summary>Enters the outermost object.</summary>
    public void Begin()
    {
        Advance();
        ExpectObject();
    }

    /// <summary>Moves to the value of the next known field; false, after all required fields were seen, at the end of the object.</summary>
    public bool NextField(WireFields fields, ref uint seen)
    {
        while (true)
        {
            Advance();
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                RequireAll(fields, seen);
                return false;
            }

            var index = Find(fields);
            if (index < 0)
            {
                path = "";
                SkipValue();
                continue;
            }

            path = fields.Path(index);
            Field = fields.Name(index);
            if ((seen & (1u << index)) != 0)
            {
                throw Fault("appears twice");
            }

            seen |= 1u << index;
            Advance();
            if (reader.TokenType != JsonTokenType.Null)
            {
                return true;
            }

            if (index < fields.RequiredCount)
            {
                throw Fault("is null");
            }
        }
    }

    /// <summary>Checks that nothing follows the outermost object.</summary>
    public void End()
    {
        path = "";
        try
        {
            if (reader.Read())
            {
                throw Fault("is followed by something else");
            }
        }
        catch (JsonException malformed)
        {
            throw Fault("is followed by something else", malformed);
        }
    }

    public string ReadString()
    {
        Expect(JsonTokenType.String, "is not a string");
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException unreadable)
        {
            throw Fault("is not valid Unicode", unreadable);
        }
    }

    /// <summary>A name, a version or an id.</summary>
    public string ReadName()
    {
        var text = ReadString();
        return text.Length <= ChoriaLimits.NameCharactersMax
            ? text
            : throw Fault($"has more than {ChoriaLimits.NameCharactersMax} characters");
    }

    public string ReadNonEmptyString()
    {
        var text = ReadString();
        return text.Length > 0 ? text : throw Fault("is empty");
    }

    public string ReadNonEmptyName()
    {
        var text = ReadName();
        return text.Length > 0 ? text : throw Fault("is empty");
    }

    /// <summary>The string's content as UTF-8 after JSON unescaping.</summary>
    public byte[] ReadUtf8()
    {
        Expect(JsonTokenType.String, "is not a string");
        var text = new byte[reader.ValueSpan.Length];
        try
        {
            var length = reader.CopyString(text);
            return length == text.Length ? text : text.AsSpan(0, length).ToArray();
        }
        catch (InvalidOperationException unreadable)
        {
            throw Fault("is not valid Unicode", unreadable);
        }
    }

    public byte[] ReadBase64()
    {
        Expect(JsonTokenType.String, "is not a string");
        return DecodeBase64(reader.ValueIsEscaped ? ReadUtf8() : reader.ValueSpan);
    }

    public bool ReadBoolean() => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Fault("is not a boolean"),
    };

    public long ReadInteger()
    {
        Expect(JsonTokenType.Number, "is not a number");
        return reader.TryGetInt64(out var number) ? number : throw Fault("is not a 64-bit integer");
    }

    public long ReadInteger(long min, long max)
    {
        var number = ReadInteger();
        return number >= min && number <= max ? number : throw Fault($"is not between {min} and {max}");
    }

    public void RequireText(string expected)
    {
        if (ReadString() != expected)
        {
            throw Fault($"is not {expected}");
        }
    }

    /// <summary>The value's JSON text as it stands in the input.</summary>
    public ReadOnlySpan<byte> ReadRaw(out int offset)
    {
        offset = checked((int)reader.TokenStartIndex);
        Skip();
        return json[offset..checked((int)reader.BytesConsumed)];
    }

    public void ExpectObject() => Expect(JsonTokenType.StartObject, "is not an object");

    public void ExpectArray() => Expect(JsonTokenType.StartArray, "is not an array");

    /// <summary>Moves to the next element of the array that was entered; false at its end.</summary>
    public bool NextElement()
    {
        Advance();
        return reader.TokenType != JsonTokenType.EndArray;
    }

    public IReadOnlyList<string> ReadStrings()
    {
        ExpectArray();
        List<string>? strings = null;
        while (NextElement())
        {
            (strings ??= []).Add(ReadString());
        }

        return strings ?? (IReadOnlyList<string>)[];
    }

    public readonly ChoriaFormatException Fault(string problem, Exception? inner = null) =>
        new(new ChoriaFault(layer, path, problem), inner);

    private readonly byte[] DecodeBase64(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        var status = Base64.DecodeFromUtf8(text, bytes, out var consumed, out var written);
        if (status != OperationStatus.Done || consumed != text.Length)
        {
            throw Fault("is not base64");
        }

        return written == bytes.Length ? bytes : bytes.AsSpan(0, written).ToArray();
    }

    private readonly void RequireAll(WireFields fields, uint seen)
    {
        for (var index = 0; index < fields.RequiredCount; index++)
        {
            if ((seen & (1u << index)) == 0)
            {
                throw new ChoriaFormatException(new ChoriaFault(layer, fields.Path(index), "is missing"));
            }
        }
    }

    private readonly void Expect(JsonTokenType type, string problem)
    {
        if (reader.TokenType != type)
        {
            throw Fault(problem);
        }
    }

    private int Find(WireFields fields)
    {
        try
        {
            return fields.Find(ref reader);
        }
        catch (InvalidOperationException unreadable)
        {
            // A name that is escaped and half a character: comparing it throws.
            path = "";
            throw Fault("has a name that is not valid Unicode", unreadable);
        }
    }

    private void Advance()
    {
        try
        {
            if (reader.Read())
            {
                return;
            }
        }
        catch (JsonException malformed)
        {
            throw Fault("is not JSON", malformed);
        }

        throw Fault("ends too early");
    }

    private void SkipValue()
    {
        Advance();
        Skip();
    }

    private void Skip()
    {
        try
        {
            reader.Skip();
        }
        catch (JsonException malformed)
        {
            throw Fault("is not JSON", malformed);
        }
    }
}
