using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace ControlPlane;

/// <summary>How much of a document is read.</summary>
/// <param name="LengthMax">Characters.</param>
/// <param name="DepthMax">Mappings and lists within each other.</param>
/// <param name="PartsMax">Values, beginnings and ends of mappings and lists; those that an alias stands for count each time.</param>
/// <param name="TakesAnchors">Whether <c>&amp;name</c> and <c>*name</c> are taken.</param>
public sealed record YamlBounds(int LengthMax, int DepthMax, int PartsMax, bool TakesAnchors = false);

/// <summary>What is wrong with a document, and where: line and column count from 1.</summary>
public sealed record YamlFault(int Line, int Column, string Message, bool IsWarning = false);

/// <summary>Reads YAML, and JSON with it, into nodes that know their places. Never throws for what a text may hold.</summary>
public static class BoundedYaml
{
    /// <returns>The document's mapping, or what is wrong with it; neither for a text that holds nothing.</returns>
    public static (YamlMappingNode? Root, YamlFault? Fault) Read(string text, YamlBounds bounds)
    {
        if (text.Length > bounds.LengthMax)
        {
            return (null, new YamlFault(1, 1, $"has {text.Length} characters, at most {bounds.LengthMax} are read"));
        }

        // The tree is built by recursion, so depth is judged before, event by event; so is what aliases make of a small text.
        var parser = new Parser(new StringReader(text));
        try
        {
            if (new Size(bounds).Judge(parser) is { } excess)
            {
                return (null, excess);
            }

            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents switch
            {
                [] or [{ RootNode: YamlScalarNode { Value: null or "" } }] => (null, null),
                [{ RootNode: YamlMappingNode root }] => (root, null),
                [var document] => (null, At(document.RootNode.Start, "must be a mapping of sections")),
                [_, var second, ..] => (null, At(second.RootNode.Start, "must be the only document of the file")),
            };
        }
        catch (YamlException fault)
        {
            return (null, At(fault.Start, fault.InnerException?.Message ?? fault.Message));
        }
        catch (Exception fault) when (
            fault is ArgumentException or InvalidOperationException or FormatException or OverflowException or KeyNotFoundException)
        {
            // YamlDotNet 18.1 stumbles over some texts, unclosed brackets for one, instead of naming what is wrong with them.
            return (null, At(parser.Current?.End ?? Mark.Empty, $"is not YAML near this line: {fault.Message}"));
        }
    }

    private static YamlFault At(Mark at, string message) => new(Math.Max(1, (int)at.Line), Math.Max(1, (int)at.Column), message);

    /// <summary>Counts what a document holds, as if each alias were written out.</summary>
    private sealed class Size(YamlBounds bounds)
    {
        private readonly Stack<Part> open = new();
        private readonly Dictionary<AnchorName, Part> anchored = [];

        public YamlFault? Judge(Parser parser)
        {
            var all = new Part(AnchorName.Empty, 0);
            open.Push(all);
            while (parser.MoveNext())
            {
                var found = parser.Current!;
                var fault = found is AnchorAlias or NodeEvent { Anchor.IsEmpty: false } && !bounds.TakesAnchors
                    ? "anchors and aliases are not taken"
                    : Count(found);
                fault ??= open.Count - 1 + open.Peek().Height > bounds.DepthMax ? $"is nested more than {bounds.DepthMax} deep"
                    : open.Sum(part => (long)part.Count) > bounds.PartsMax ? $"has more than {bounds.PartsMax} parts" : null;
                if (fault is not null)
                {
                    return At(found.Start, fault);
                }
            }

            return null;
        }

        private string? Count(ParsingEvent found)
        {
            switch (found)
            {
                case AnchorAlias alias when open.Any(part => part.Anchor == alias.Value):
                    return $"'*{alias.Value}' stands within what it stands for";
                case AnchorAlias alias when !anchored.ContainsKey(alias.Value):
                    return $"'*{alias.Value}' stands for nothing above it";
                case AnchorAlias alias:
                    open.Peek().Add(anchored[alias.Value]);
                    break;
                case MappingStart or SequenceStart:
                    open.Push(new Part(((NodeEvent)found).Anchor, 1));
                    break;
                case MappingEnd or SequenceEnd:
                    var ended = open.Pop();
                    ended.Count++;
                    ended.Height++;
                    Keep(ended);
                    break;
                case Scalar scalar:
                    Keep(new Part(scalar.Anchor, 1));
                    break;
            }

            return null;
        }

        private void Keep(Part part)
        {
            open.Peek().Add(part);
            if (!part.Anchor.IsEmpty)
            {
                anchored[part.Anchor] = part;
            }
        }
    }

    private sealed class Part(AnchorName anchor, int count)
    {
        public AnchorName Anchor { get; } = anchor;

        public int Count { get; set; } = count;

        public int Height { get; set; }

        public void Add(Part inner)
        {
            Count += inner.Count;
            Height = Math.Max(Height, inner.Height);
        }
    }
}
