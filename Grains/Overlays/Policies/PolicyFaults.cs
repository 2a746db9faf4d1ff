using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Overlays.Policies;

/// <summary>Gathers what is wrong with a policy: all of it, each with its place in the document.</summary>
internal sealed class PolicyFaults
{
    /// <summary>How many faults are reported; the rest would not be read anyway.</summary>
    public const int Max = 200;

    private readonly List<PolicyFault> faults = [];

    public IReadOnlyList<PolicyFault> All => [.. faults.OrderBy(fault => fault.Line).ThenBy(fault => fault.Column)];

    public bool HasErrors => faults.Exists(fault => !fault.IsWarning);

    public void Add(Mark at, string message, bool isWarning = false) => Add((int)at.Line, (int)at.Column, message, isWarning);

    public void Add(YamlNode node, string message, bool isWarning = false) => Add(node.Start, message, isWarning);

    /// <summary>A fault inside the text of a scalar.</summary>
    public void AddInside(YamlScalarNode scalar, int offset, string message)
    {
        var text = scalar.Value ?? "";
        var before = text[..Math.Min(offset, text.Length)];
        var column = scalar.Style switch
        {
            ScalarStyle.SingleQuoted => scalar.Start.Column + 1 + before.Length + before.Count(c => c == '\''),
            ScalarStyle.DoubleQuoted => scalar.Start.Column + 1 + before.Length + before.Count(c => c is '"' or '\\'),
            ScalarStyle.Plain => scalar.Start.Column + before.Length,
            // A block scalar begins on the next line, at an indentation that the parser does not tell.
            _ => scalar.Start.Column,
        };
        Add((int)scalar.Start.Line, (int)column, message, isWarning: false);
    }

    private void Add(int line, int column, string message, bool isWarning)
    {
        if (faults.Count < Max)
        {
            faults.Add(new PolicyFault(Math.Max(1, line), Math.Max(1, column), message, isWarning));
        }
    }
}
