using System.Formats.Asn1;

namespace ControlPlane.X509;

/// <summary>One attribute of a distinguished name.</summary>
public sealed record NameEntry(string Oid, string Value)
{
    /// <summary>A subject of ours has five; X.509 sets no limit.</summary>
    private const int Max = 32;

    /// <summary>Reads a Name, its tag included.</summary>
    /// <exception cref="AsnContentException">It is not one, or of a string type that no one should use any more.</exception>
    public static IReadOnlyList<NameEntry> ReadAll(ReadOnlyMemory<byte> name)
    {
        var attributes = new List<NameEntry>();
        var relativeNames = new AsnReader(name, AsnEncodingRules.DER).ReadSequence();
        while (relativeNames.HasData)
        {
            var relativeName = relativeNames.ReadSetOf();
            while (relativeName.HasData)
            {
                if (attributes.Count == Max)
                {
                    throw new AsnContentException("the name has too many attributes");
                }

                var pair = relativeName.ReadSequence();
                attributes.Add(new NameEntry(pair.ReadObjectIdentifier(), ReadText(pair)));
                pair.ThrowIfNotEmpty();
            }
        }

        return attributes;
    }

    private static string ReadText(AsnReader reader)
    {
        var kind = (UniversalTagNumber)reader.PeekTag().TagValue;
        if (reader.PeekTag().TagClass != TagClass.Universal)
        {
            throw new AsnContentException("the name holds something that is not text");
        }

        return kind switch
        {
            UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
                => reader.ReadCharacterString(kind),
            _ => throw new AsnContentException($"the name holds text of type {kind}"),
        };
    }
}
