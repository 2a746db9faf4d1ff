namespace ControlPlane.Adapters.Choria;

using System.Text;
using System.Text.Json;

/// <summary>The fields of one kind of JSON object: which must be there, which may be, and under what name faults report them.</summary>
internal sealed class WireFields
{
    private readonly byte[][] names;
    private readonly string[] texts;
    private readonly string prefix;

    public WireFields(string[] required, string[] optional, string prefix = "")
    {
        texts = [.. required, .. optional];
        names = [.. texts.Select(Encoding.UTF8.GetBytes)];
        RequiredCount = required.Length;
        this.prefix = prefix;
    }

    public int RequiredCount { get; }

    public int Count => texts.Length;

    public string Name(int index) => texts[index];

    public string Path(int index) => prefix + texts[index];

    public int Find(ref Utf8JsonReader propertyName)
    {
        for (var index = 0; index < names.Length; index++)
        {
            if (propertyName.ValueTextEquals(names[index]))
            {
                return index;
            }
        }

        return -1;
    }
}
