using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Configuration;

/// <summary>One YAML or JSON file as configuration keys, each with the line it stands on.</summary>
/// <remarks>JSON is read by the YAML parser: one code path, and line numbers for both.</remarks>
internal sealed class ConfigurationFile
{
    /// <summary>Larger files are refused: a configuration that an operator reads is a few hundred kilobytes at most.</summary>
    private const long BytesMax = 4 * 1024 * 1024;

    // The options are six levels deep.
    private static readonly YamlBounds Bounds = new((int)BytesMax, DepthMax: 32, PartsMax: 200_000, TakesAnchors: true);

    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _lines = new(StringComparer.OrdinalIgnoreCase);

    private ConfigurationFile(string path) => Path = path;

    public string Path { get; }

    /// <summary>The scalars, by key.</summary>
    public IReadOnlyDictionary<string, string?> Values => _values;

    /// <summary>The line on which a key stands, sections included; null when the file does not hold it.</summary>
    public int? LineOf(string key) => _lines.TryGetValue(key, out var line) ? line : null;

    /// <exception cref="ConfigurationFileException">The file cannot be read; the message names file, line, column and key.</exception>
    public static ConfigurationFile Read(string path)
    {
        var file = new ConfigurationFile(path);
        var (root, fault) = BoundedYaml.Read(file.ReadText(), Bounds);
        if (fault is not null)
        {
            throw file.Fault(fault.Line, fault.Column, fault.Message);
        }

        file.Flatten(root, prefix: "");
        return file;
    }

    private string ReadText()
    {
        try
        {
            if (new FileInfo(Path) is { Exists: true, Length: > BytesMax })
            {
                throw new ConfigurationFileException($"{Path}: is larger than {BytesMax} bytes");
            }

            // A tab may not indent YAML, but JSON is often indented by tabs.
            var text = File.ReadAllText(Path);
            return Path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? text.Replace('\t', ' ') : text;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationFileException($"{Path}: {absent.Message}", absent);
        }
    }

    private void Flatten(YamlNode? node, string prefix)
    {
        switch (node)
        {
            case YamlScalarNode scalar when !IsNull(scalar):
                _values[prefix] = scalar.Value;
                break;

            case YamlSequenceNode sequence:
                for (var index = 0; index < sequence.Children.Count; index++)
                {
                    Enter(sequence.Children[index], sequence.Children[index], prefix, index.ToString());
                }

                break;

            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children)
                {
                    Enter(key, value, prefix, NameOf(key));
                }

                break;
        }
    }

    private void Enter(YamlNode key, YamlNode value, string prefix, string name)
    {
        var path = prefix.Length == 0 ? name : $"{prefix}:{name}";

        // .NET's configuration ignores case, YAML does not: two keys that differ in case only would silently become one.
        if (!_lines.TryAdd(path, checked((int)key.Start.Line)))
        {
            throw Fault(key, $"'{path}' is given twice, first on line {_lines[path]}");
        }

        Flatten(value, path);
    }

    private string NameOf(YamlNode key) => key switch
    {
        YamlScalarNode { Value: { Length: > 0 } name } when !name.Contains(':') => name,
        YamlScalarNode { Value: { Length: > 0 } name } => throw Fault(key, $"the key '{name}' contains a colon"),
        _ => throw Fault(key, "a key must be a word"),
    };

    // An empty value means "not given", as if the line were absent; "" in quotes is an empty text.
    private static bool IsNull(YamlScalarNode scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null";

    private ConfigurationFileException Fault(YamlNode node, string fault) => Fault((int)node.Start.Line, (int)node.Start.Column, fault);

    private ConfigurationFileException Fault(int line, int column, string fault) => new($"{Path}:{line}:{column}: {fault}");
}

/// <summary>The configuration file cannot be read; the message is for the operator and names file, line, column and key.</summary>
internal sealed class ConfigurationFileException(string message, Exception? inner = null) : Exception(message, inner);
