using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Configuration;

/// <summary>One YAML or JSON file as configuration keys, each with the line it stands on.</summary>
/// <remarks>JSON is read by the YAML parser: one code path, and line numbers for both.</remarks>
internal sealed class ConfigurationFile
{
    /// <summary>Larger files are refused: a configuration that an operator reads is a few hundred kilobytes at most.</summary>
    private const long BytesMax = 4 * 1024 * 1024;

    /// <summary>Deeper nesting is refused; the options are six levels deep.</summary>
    private const int DepthMax = 32;

    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _lines = new(StringComparer.OrdinalIgnoreCase);

    private ConfigurationFile(string path) => Path = path;

    public string Path { get; }

    /// <summary>The scalars, by key.</summary>
    public IReadOnlyDictionary<string, string?> Values => _values;

    /// <summary>The line on which a key stands, sections included; null when the file does not hold it.</summary>
    public int? LineOf(string key) => _lines.TryGetValue(key, out var line) ? line : null;

    /// <exception cref="ConfigurationFileException">The file cannot be read; the message names file, line and key.</exception>
    public static ConfigurationFile Read(string path)
    {
        var file = new ConfigurationFile(path);
        if (file.Parse() is { } root)
        {
            file.Flatten(root, prefix: "", depth: 0);
        }

        return file;
    }

    private YamlMappingNode? Parse()
    {
        var parser = new Parser(new StringReader(ReadText()));
        try
        {
            var yaml = new YamlStream();
            yaml.Load(parser);

            return yaml.Documents switch
            {
                [] => null,
                [{ RootNode: YamlMappingNode root }] => root,
                [{ RootNode: YamlScalarNode { Value: null or "" } }] => null,
                [var document] => throw Fault(document.RootNode, "must be a mapping of sections"),
                _ => throw Fault(yaml.Documents[1].RootNode, "must be the only document of the file"),
            };
        }
        catch (YamlException unreadable)
        {
            throw new ConfigurationFileException($"{Path}:{unreadable.End.Line}: {unreadable.Message}", unreadable);
        }
        catch (InvalidOperationException unreadable)
        {
            // YamlDotNet 18.1 stumbles over some unclosed brackets instead of naming them.
            throw new ConfigurationFileException($"{Path}:{parser.Current?.End.Line}: is not YAML near this line", unreadable);
        }
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

    private void Flatten(YamlNode node, string prefix, int depth)
    {
        if (depth > DepthMax)
        {
            throw Fault(node, $"'{prefix}' is nested more than {DepthMax} levels deep");
        }

        switch (node)
        {
            case YamlScalarNode scalar when !IsNull(scalar):
                _values[prefix] = scalar.Value;
                break;

            case YamlSequenceNode sequence:
                for (var index = 0; index < sequence.Children.Count; index++)
                {
                    Enter(sequence.Children[index], sequence.Children[index], prefix, index.ToString(), depth);
                }

                break;

            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children)
                {
                    Enter(key, value, prefix, NameOf(key), depth);
                }

                break;
        }
    }

    private void Enter(YamlNode key, YamlNode value, string prefix, string name, int depth)
    {
        var path = prefix.Length == 0 ? name : $"{prefix}:{name}";

        // .NET's configuration ignores case, YAML does not: two keys that differ in case only would silently become one.
        if (!_lines.TryAdd(path, checked((int)key.Start.Line)))
        {
            throw Fault(key, $"'{path}' is given twice, first on line {_lines[path]}");
        }

        Flatten(value, path, depth + 1);
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

    private ConfigurationFileException Fault(YamlNode node, string fault) => new($"{Path}:{node.Start.Line}: {fault}");
}

/// <summary>The configuration file cannot be read; the message is for the operator and names file, line and key.</summary>
internal sealed class ConfigurationFileException(string message, Exception? inner = null) : Exception(message, inner);
