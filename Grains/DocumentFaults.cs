using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane;

/// <summary>Gathers what is wrong with a document that operators write, such as a policy: all of it, each with its place.</summary>
internal sealed class DocumentFaults(string document)
{
    /// <summary>How many faults are reported; the rest would not be read anyway.</summary>
    public const int Max = 200;

    // An alias that stands in two rules would have one place for both.
    private static readonly YamlBounds Bounds = new(LengthMax: 256 * 1024, DepthMax: 16, PartsMax: 20_000);

    private readonly List<YamlFault> faults = [];

    public IReadOnlyList<YamlFault> All => [.. faults.OrderBy(fault => fault.Line).ThenBy(fault => fault.Column)];

    public bool HasErrors => faults.Exists(fault => !fault.IsWarning);

    /// <summary>The mapping that the document is; null when it is none, which is a fault.</summary>
    public YamlMappingNode? ReadDocument()
    {
        var (root, fault) = BoundedYaml.Read(document, Bounds);
        if (root is null)
        {
            Add(fault?.Line ?? 1, fault?.Column ?? 1, fault?.Message ?? "is empty", isWarning: false);
        }

        return root;
    }

    public void Add(Mark at, string message, bool isWarning = false) => Add((int)at.Line, (int)at.Column, message, isWarning);

    public void Add(YamlNode node, string message, bool isWarning = false) => Add(node.Start, message, isWarning);

    /// <summary>A fault inside the text of a scalar.</summary>
    public void AddInside(YamlScalarNode scalar, int offset, string message)
    {
        if (scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded)
        {
            AddInsideBlock(scalar, offset, message);
            return;
        }

        var text = scalar.Value ?? "";
        var before = text[..Math.Min(offset, text.Length)];
        var column = scalar.Style switch
        {
            ScalarStyle.SingleQuoted => scalar.Start.Column + 1 + before.Length + before.Count(c => c == '\''),
            ScalarStyle.DoubleQuoted => scalar.Start.Column + 1 + before.Length + before.Count(c => c is '"' or '\\'),
            _ => scalar.Start.Column + before.Length,
        };
        Add((int)scalar.Start.Line, (int)column, message, isWarning: false);
    }

    // A block begins on the next line, at an indentation that the parser does not tell. A line of it counts for itself and one more:
    // the line break, or the space that it is folded into.
    private void AddInsideBlock(YamlScalarNode scalar, int offset, string message)
    {
        var lines = document.Split('\n');
        var line = (int)scalar.Start.Line;
        for (; line < lines.Length - 1; line++)
        {
            var length = lines[line].Trim().Length;
            if (offset <= length)
            {
                break;
            }

            offset -= length + 1;
        }

        var indentation = line < lines.Length ? lines[line].Length - lines[line].TrimStart().Length : 0;
        Add(line + 1, indentation + offset + 1, message, isWarning: false);
    }

    private void Add(int line, int column, string message, bool isWarning)
    {
        if (faults.Count < Max)
        {
            faults.Add(new YamlFault(Math.Max(1, line), Math.Max(1, column), message, isWarning));
        }
    }
}
