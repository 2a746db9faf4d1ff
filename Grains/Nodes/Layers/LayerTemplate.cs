using System.Text.Json;
using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace ControlPlane.Nodes;

/// <summary>A template or a condition in Liquid, read once and filled for each node. Pure but for the filters of dates.</summary>
/// <remarks>
/// The language has no loops, no variables and no files here: what a template costs is bounded by its own length and the limits below,
/// whatever a node says of itself.
/// </remarks>
internal sealed class LayerTemplate
{
    /// <summary>No value, and nothing that a filter makes on the way to one, is longer: as Choria's limit for all settings.</summary>
    public const int ValueLengthMax = 2048;

    /// <summary>No policy file is longer.</summary>
    public const int DocumentLengthMax = 64 * 1024;

    private const int StepsMax = 10_000;
    private const int DepthMax = 16;
    private static readonly string[] Tags = ["if", "unless", "case", "comment", "raw"];
    private static readonly FluidParser Parser = MakeParser();
    private static readonly TemplateOptions Options = MakeOptions();

    private readonly IFluidTemplate? template;
    private readonly string text;
    private readonly int lengthMax;

    private LayerTemplate(string text, IFluidTemplate? template, int lengthMax) =>
        (this.text, this.template, this.lengthMax) = (text, template, lengthMax);

    /// <exception cref="LayerException">It is not a template.</exception>
    public static LayerTemplate Parse(string text, int lengthMax = ValueLengthMax)
    {
        if (!text.Contains("{{", StringComparison.Ordinal) && !text.Contains("{%", StringComparison.Ordinal))
        {
            return new LayerTemplate(text, template: null, lengthMax);
        }

        if (!Parser.TryParse(text, out var template, out var fault))
        {
            throw new LayerException($"is not a template: {fault.Split('\n')[0].Trim()}");
        }

        new RangeRefusal().VisitTemplate(template);
        return new LayerTemplate(text, template, lengthMax);
    }

    /// <summary>A condition: what may stand behind <c>{% if</c>.</summary>
    /// <exception cref="LayerException">It is not a condition.</exception>
    public static LayerTemplate ParseCondition(string text) => text.Contains("%}", StringComparison.Ordinal)
        ? throw new LayerException("is not a condition: it holds '%}'")
        : Parse($"{{% if {text} %}}1{{% endif %}}");

    /// <exception cref="LayerException">It asks for what the node does not have, or passes a limit.</exception>
    public string Fill(TemplateContext node)
    {
        if (template is null)
        {
            return text;
        }

        try
        {
            var filled = template.Render(node, NullEncoder.Default);
            return filled.Length <= lengthMax ? filled : throw new LayerException($"it has more than {lengthMax} characters");
        }
        catch (Exception unfit) when (unfit is InvalidOperationException or FluidException or ArgumentException or FormatException
            or OverflowException or InvalidCastException or DivideByZeroException)
        {
            throw new LayerException(unfit.Message, unfit);
        }
    }

    /// <summary>Whether a condition holds.</summary>
    /// <inheritdoc cref="Fill" path="/exception"/>
    public bool Holds(TemplateContext node) => Fill(node).Length > 0;

    /// <summary>What templates may ask of a node; for one node, and one thread.</summary>
    /// <exception cref="LayerException">The node's facts or claims cannot be read.</exception>
    public static TemplateContext ContextOf(NodeSubject node)
    {
        var context = new TemplateContext(Options);
        context.SetValue("identity", new StringValue(node.Identity));
        context.SetValue("overlay", new StringValue(node.Overlay));
        context.SetValue("protocol", new StringValue(node.Protocol == NodeProtocol.V1 ? "v1" : "v2"));
        context.SetValue("label", ObjectOf(JsonSerializer.Serialize(node.Labels), "label"));
        context.SetValue("fact", ObjectOf(node.FactsJson, "fact"));
        context.SetValue("claim", ObjectOf(node.ClaimsJson, "claim"));
        return context;
    }

    /// <summary>Which groups the node is in; asking for one that there is not is a fault.</summary>
    public static void SetGroups(TemplateContext context, IReadOnlyDictionary<string, bool> groups) =>
        context.SetValue("group", ObjectOf(JsonSerializer.Serialize(groups), "group", demandsNames: true));

    private static JsonObjectValue ObjectOf(string json, string path, bool demandsNames = false)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new JsonObjectValue(document.RootElement.Clone(), path, demandsNames)
                : throw new LayerException($"its {path}s are not a JSON object");
        }
        catch (JsonException unreadable)
        {
            throw new LayerException($"its {path}s are not JSON", unreadable);
        }
    }

    private static FluidParser MakeParser()
    {
        var parser = new FluidParser(new FluidParserOptions { AllowParentheses = true });
        foreach (var tag in parser.RegisteredTags.Keys.Except(Tags).ToList())
        {
            parser.RegisteredTags.Remove(tag);
        }

        return parser;
    }

    private static TemplateOptions MakeOptions()
    {
        var options = new TemplateOptions
        {
            MaxSteps = StepsMax,
            MaxRecursion = DepthMax,
            StrictFilters = true,
            TimeZone = TimeZoneInfo.Utc,
            Undefined = name => new ValueTask<FluidValue>(new MissingValue(name)),
        };

        // One 'replace' by a node's own words could make a text of gigabytes out of another.
        foreach (var (name, filter) in options.Filters.ToList())
        {
            options.Filters.AddFilter(name, async (input, arguments, context) => await filter(input, arguments, context) switch
            {
                StringValue made when made.ToStringValue().Length > ValueLengthMax =>
                    throw new LayerException($"the filter '{name}' makes more than {ValueLengthMax} characters"),
                var value => value,
            });
        }

        return options;
    }

    // (1..1000000000) is made in full before anybody looks at the limits.
    private sealed class RangeRefusal : AstVisitor
    {
        protected override Expression VisitRangeExpression(RangeExpression rangeExpression) =>
            throw new LayerException("is not a template: ranges are not taken");
    }
}

/// <summary>A layer that cannot be read, or does not fit a node; the message says why, for operators.</summary>
internal sealed class LayerException(string message, Exception? inner = null) : Exception(message, inner);
