using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fluid;
using Fluid.Values;

namespace ControlPlane.Nodes;

/// <summary>A JSON object as templates see it. What it does not hold is missing, which is not the same as empty.</summary>
internal sealed class JsonObjectValue(JsonElement element, string path, bool demandsNames = false) : FluidValue
{
    /// <summary>Longer texts count as missing: no setting may be as long, and a node must not fill our memory.</summary>
    private const int TextLengthMax = LayerTemplate.ValueLengthMax;
    private const int ItemsMax = 256;

    public override FluidValues Type => FluidValues.Object;

    public override ValueTask<FluidValue> GetValueAsync(string name, TemplateContext context) => new(
        element.TryGetProperty(name, out var value) ? Of(value, $"{path}.{name}")
        : demandsNames ? throw new LayerException($"there is no {path}.{name}")
        : new MissingValue($"{path}.{name}"));

    public override ValueTask<FluidValue> GetIndexAsync(FluidValue index, TemplateContext context) =>
        GetValueAsync(index.ToStringValue(), context);

    public override bool Equals(FluidValue other) => ReferenceEquals(this, other);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => path.GetHashCode(StringComparison.Ordinal);

    public override bool ToBooleanValue() => true;

    public override decimal ToNumberValue() => throw NotAValue();

    public override string ToStringValue() => throw NotAValue();

    public override object ToObjectValue() => element;

    public override ValueTask WriteToAsync(TextWriter writer, TextEncoder encoder, CultureInfo cultureInfo) => throw NotAValue();

    private LayerException NotAValue() => new($"{path} is an object, not a value");

    private static FluidValue Of(JsonElement value, string path) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { Length: <= TextLengthMax } text => new StringValue(text),
        JsonValueKind.Number when value.TryGetDecimal(out var number) => NumberValue.Create(number),
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Object => new JsonObjectValue(value, path),
        JsonValueKind.Array => new ArrayValue(
            [.. value.EnumerateArray().Take(ItemsMax).Select((item, index) => Of(item, $"{path}[{index}]"))]),
        _ => new MissingValue(path),
    };
}

/// <summary>What a node does not have: false in a condition, nothing to the filter <c>default</c>, and a fault where it is used.</summary>
internal sealed class MissingValue(string path) : FluidValue
{
    public override FluidValues Type => FluidValues.Nil;

    public override bool IsNil() => true;

    public override bool Equals(FluidValue other) => other.IsNil();

    public override bool Equals(object? obj) => obj is FluidValue other && Equals(other);

    public override int GetHashCode() => 0;

    public override ValueTask<FluidValue> GetValueAsync(string name, TemplateContext context) => new(this);

    public override ValueTask<FluidValue> GetIndexAsync(FluidValue index, TemplateContext context) => new(this);

    public override bool ToBooleanValue() => false;

    public override decimal ToNumberValue() => throw Missing();

    public override string ToStringValue() => throw Missing();

    public override object ToObjectValue() => throw Missing();

    public override ValueTask WriteToAsync(TextWriter writer, TextEncoder encoder, CultureInfo cultureInfo) => throw Missing();

    private LayerException Missing() => new($"{path} is missing");
}
