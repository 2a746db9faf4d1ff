using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace ControlPlane;

/// <summary>
/// One mapping of the document: values by key, typed, with a fault for whatever does not fit and for keys nobody asked for.
/// </summary>
internal sealed class YamlSection(YamlMappingNode node, DocumentFaults faults)
{
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    public YamlMappingNode Node => node;

    public YamlNode? Child(string key)
    {
        asked.Add(key);
        return node.Children.FirstOrDefault(child => child.Key is YamlScalarNode { Value: { } name } && name == key).Value;
    }

    public YamlScalarNode? Scalar(string key)
    {
        switch (Child(key))
        {
            case null:
                return null;
            case YamlScalarNode { Value: not null } scalar:
                return scalar;
            case var other:
                faults.Add(other, $"'{key}' is a single value");
                return null;
        }
    }

    public string? Text(string key) => Scalar(key)?.Value;

    public string RequiredText(string key)
    {
        var text = Text(key);
        if (string.IsNullOrWhiteSpace(text))
        {
            faults.Add(node, $"'{key}' is missing");
            return "";
        }

        return text;
    }

    /// <summary>What a document of ours says of itself.</summary>
    public void RequireKind(string apiVersion, string kind)
    {
        Require("apiVersion", apiVersion);
        Require("kind", kind);
    }

    public double? Number(string key, double least, double most)
    {
        if (Scalar(key) is not { } scalar)
        {
            return null;
        }

        if (double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least
            && number <= most)
        {
            return number;
        }

        faults.Add(scalar, string.Create(CultureInfo.InvariantCulture, $"'{key}' is a number from {least} to {most}"));
        return null;
    }

    public int? Integer(string key, int least, int most)
    {
        var number = Number(key, least, most);
        if (number is { } found && found != Math.Floor(found))
        {
            faults.Add(Scalar(key)!, $"'{key}' is a whole number");
        }

        return (int?)number;
    }

    public bool? Flag(string key) => Scalar(key) is not { } scalar ? null
        : bool.TryParse(scalar.Value, out var flag) ? flag
        : Fault<bool?>(scalar, $"'{key}' is true or false");

    /// <summary>A number with s, m or h, e.g. <c>60s</c>; or milliseconds with ms.</summary>
    public TimeSpan? Duration(string key, TimeSpan least, TimeSpan most)
    {
        if (Scalar(key) is not { } scalar)
        {
            return null;
        }

        var text = scalar.Value!;
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        var unit = text[digits..] switch { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, _ => 0.0 };
        var found = unit > 0 && int.TryParse(text.AsSpan(0, digits), CultureInfo.InvariantCulture, out var count)
            ? TimeSpan.FromSeconds(count * unit)
            : TimeSpan.MinValue;
        return found >= least && found <= most ? found
            : Fault<TimeSpan?>(scalar, $"'{key}' is a time such as 60s or 10m, from {least} to {most}");
    }

    public T Choice<T>(string key, T otherwise)
        where T : struct, Enum
    {
        if (Scalar(key) is not { } scalar)
        {
            return otherwise;
        }

        foreach (var choice in Enum.GetValues<T>())
        {
            if (string.Equals(choice.ToString(), scalar.Value, StringComparison.OrdinalIgnoreCase))
            {
                return choice;
            }
        }

        var names = Enum.GetNames<T>().Select(name => char.ToLowerInvariant(name[0]) + name[1..]);
        return Fault(scalar, $"'{key}' is one of {string.Join(", ", names)}", otherwise);
    }

    public YamlSection? Section(string key) => Child(key) switch
    {
        null => null,
        YamlMappingNode mapping => new YamlSection(mapping, faults),
        var other => Fault<YamlSection?>(other, $"'{key}' is a mapping"),
    };

    public IReadOnlyList<YamlSection> Sections(string key, int most)
    {
        switch (Child(key))
        {
            case null:
                return [];
            case YamlSequenceNode sequence when sequence.Children.Count <= most:
                foreach (var other in sequence.Children.Where(child => child is not YamlMappingNode))
                {
                    faults.Add(other, $"each of '{key}' is a mapping");
                }

                return [.. sequence.Children.OfType<YamlMappingNode>().Select(mapping => new YamlSection(mapping, faults))];
            case var other:
                return Fault<IReadOnlyList<YamlSection>>(other, $"'{key}' is a list of at most {most}", []);
        }
    }

    public IReadOnlyList<YamlScalarNode> Scalars(string key)
    {
        switch (Child(key))
        {
            case null:
                return [];
            case YamlScalarNode one:
                return [one];
            case YamlSequenceNode sequence when sequence.Children.All(child => child is YamlScalarNode { Value: not null }):
                return [.. sequence.Children.Cast<YamlScalarNode>()];
            case var other:
                return Fault<IReadOnlyList<YamlScalarNode>>(other, $"'{key}' is a list of names", []);
        }
    }

    /// <summary>Call when all that is known was asked for: the rest is a typing mistake, which must not be taken for consent.</summary>
    public void RejectUnknown()
    {
        foreach (var key in node.Children.Keys)
        {
            if (key is not YamlScalarNode { Value: { } name } || !asked.Contains(name))
            {
                faults.Add(key, $"'{key}' is unknown here; known are {string.Join(", ", asked.Order(StringComparer.Ordinal))}");
            }
        }
    }

    private void Require(string key, string wanted)
    {
        if (RequiredText(key) is { Length: > 0 } given && given != wanted)
        {
            faults.Add(Child(key)!, $"'{key}' is {wanted}");
        }
    }

    private T Fault<T>(YamlNode at, string message, T otherwise = default!)
    {
        faults.Add(at, message);
        return otherwise;
    }
}
