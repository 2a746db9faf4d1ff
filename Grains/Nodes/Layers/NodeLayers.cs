using System.Collections.Immutable;
using Fluid;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Nodes;

/// <summary>The layers of node configuration: in order of files, then from top to bottom; the last one that says a line wins.</summary>
/// <remarks>Immutable, thread-safe.</remarks>
internal sealed class NodeLayers
{
    private const int LayersMax = 1000;

    private readonly ImmutableArray<Layer> layers;
    private readonly ImmutableSortedDictionary<string, LayerTemplate> groups;

    private NodeLayers(ImmutableArray<Layer> layers, ImmutableSortedDictionary<string, LayerTemplate> groups) =>
        (this.layers, this.groups) = (layers, groups);

    public static NodeLayers None { get; } = new([], ImmutableSortedDictionary<string, LayerTemplate>.Empty);

    /// <summary>Whether nothing is said of any node.</summary>
    public bool IsEmpty => layers.IsEmpty;

    /// <summary>Reads all files, or says all that is wrong with them.</summary>
    public static (NodeLayers? Layers, IReadOnlyList<string> Faults) Read(IReadOnlyList<LayerFile> files)
    {
        var layers = ImmutableArray.CreateBuilder<Layer>();
        var groups = ImmutableSortedDictionary.CreateBuilder<string, LayerTemplate>(StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (var file in files)
        {
            var inFile = new DocumentFaults(file.Text);
            if (inFile.ReadDocument() is { } root)
            {
                var section = new YamlSection(root, inFile);
                foreach (var (name, at, condition) in Texts(section.Section("groups"), inFile))
                {
                    groups[name] = Parsed(at, inFile, () => LayerTemplate.ParseCondition(condition));
                }

                layers.AddRange(section.Sections("layers", LayersMax).Select(layer => ReadLayer(layer, file.Name, inFile)));
                section.RejectUnknown();
            }

            faults.AddRange(inFile.All.Select(fault => $"{file.Name}:{fault.Line}: {fault.Message}"));
        }

        return faults.Count > 0 ? (null, faults) : (new NodeLayers(layers.ToImmutable(), groups.ToImmutable()), faults);
    }

    /// <summary>What the layers say of a node. A value that comes out empty takes away what an earlier layer said.</summary>
    /// <exception cref="LayerException">A layer does not fit the node; the message names file, layer and key.</exception>
    public NodeDraft Fill(NodeSubject node)
    {
        if (IsEmpty)
        {
            return NodeDraft.Empty;
        }

        var context = LayerTemplate.ContextOf(node);
        LayerTemplate.SetGroups(context, groups.ToDictionary(
            group => group.Key, group => At($"group '{group.Key}'", () => group.Value.Holds(context))));

        var draft = NodeDraft.Empty;
        foreach (var layer in layers.Where(layer => At($"{layer.Origin}: when", () => layer.When?.Holds(context) ?? true)))
        {
            draft = draft with
            {
                Settings = Merge(draft.Settings, layer, layer.Settings, context).SetItems(layer.Secrets),
                ActionPolicies = Merge(draft.ActionPolicies, layer, layer.ActionPolicies, context),
                OpaPolicies = Merge(draft.OpaPolicies, layer, layer.OpaPolicies, context),
                Upgrade = layer.Upgrade is { } upgrade ? At($"{layer.Origin}: upgrade", () => upgrade.Fill(context)) : draft.Upgrade,
            };
        }

        return draft;
    }

    private static ImmutableSortedDictionary<string, NodeLine> Merge(
        ImmutableSortedDictionary<string, NodeLine> below,
        Layer layer,
        IReadOnlyDictionary<string, LayerTemplate> lines,
        TemplateContext context)
    {
        var merged = below.ToBuilder();
        foreach (var (key, template) in lines)
        {
            var value = At($"{layer.Origin}: '{key}'", () => template.Fill(context));
            if (value.Length == 0)
            {
                merged.Remove(key);
            }
            else
            {
                merged[key] = new NodeLine(value, layer.Origin);
            }
        }

        return merged.ToImmutable();
    }

    private static T At<T>(string place, Func<T> fill)
    {
        try
        {
            return fill();
        }
        catch (LayerException unfit)
        {
            throw new LayerException($"{place}: {unfit.Message}", unfit);
        }
    }

    private static Layer ReadLayer(YamlSection section, string file, DocumentFaults faults)
    {
        var origin = $"{file}: {section.RequiredText("name")}";
        var when = section.Scalar("when");
        var upgrade = section.Scalar("upgrade");
        var layer = new Layer(
            origin,
            when is null ? null : Parsed(when, faults, () => LayerTemplate.ParseCondition(when.Value!)),
            Templates(section.Section("configuration"), faults, LayerTemplate.ValueLengthMax),
            Texts(section.Section("secrets"), faults).ToImmutableSortedDictionary(
                secret => secret.Name, secret => new NodeLine(secret.Text, origin, IsSecret: true), StringComparer.Ordinal),
            Templates(section.Section("action_policies"), faults, LayerTemplate.DocumentLengthMax),
            Templates(section.Section("opa_policies"), faults, LayerTemplate.DocumentLengthMax),
            upgrade is null ? null : Parsed(upgrade, faults, () => LayerTemplate.Parse(upgrade.Value!)));
        section.RejectUnknown();
        return layer;
    }

    private static ImmutableSortedDictionary<string, LayerTemplate> Templates(YamlSection? section, DocumentFaults faults, int lengthMax) =>
        Texts(section, faults).ToImmutableSortedDictionary(
            line => line.Name, line => Parsed(line.At, faults, () => LayerTemplate.Parse(line.Text, lengthMax)), StringComparer.Ordinal);

    private static IEnumerable<(string Name, YamlNode At, string Text)> Texts(YamlSection? section, DocumentFaults faults)
    {
        foreach (var (key, value) in section?.Node.Children ?? Enumerable.Empty<KeyValuePair<YamlNode, YamlNode>>())
        {
            if (key is YamlScalarNode { Value: { Length: > 0 } name } && value is YamlScalarNode { Value: { } text })
            {
                yield return (name, value, text);
            }
            else
            {
                faults.Add(value, "must be a name and one value");
            }
        }
    }

    private static LayerTemplate Parsed(YamlNode at, DocumentFaults faults, Func<LayerTemplate> parse)
    {
        try
        {
            return parse();
        }
        catch (LayerException fault)
        {
            faults.Add(at, fault.Message);
            return LayerTemplate.Parse("");
        }
    }

    private sealed record Layer(
        string Origin,
        LayerTemplate? When,
        ImmutableSortedDictionary<string, LayerTemplate> Settings,
        ImmutableSortedDictionary<string, NodeLine> Secrets,
        ImmutableSortedDictionary<string, LayerTemplate> ActionPolicies,
        ImmutableSortedDictionary<string, LayerTemplate> OpaPolicies,
        LayerTemplate? Upgrade);
}
