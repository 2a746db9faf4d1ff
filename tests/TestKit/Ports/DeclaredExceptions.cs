using System.Text.RegularExpressions;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.TestKit.Ports;

/// <summary>The exceptions that a port's documentation names, by member.</summary>
public static partial class DeclaredExceptions
{
    private const string OfAll = "";

    /// <summary>The names of the exceptions that each member may throw; what stands at the interface itself is every member's.</summary>
    public static IReadOnlyDictionary<string, IReadOnlySet<string>> Of(Type port)
    {
        var found = new Dictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal) { [OfAll] = new HashSet<string>() };
        foreach (var (member, documentation) in Members(port))
        {
            var named = Exception().Matches(documentation).Select(match => match.Groups[1].Value);
            var inherited = Inherited().Matches(documentation).SelectMany(match => found[match.Groups[1].Value]);
            found[member] = named.Concat(inherited).Concat(found[OfAll]).ToHashSet(StringComparer.Ordinal);
        }

        return found;
    }

    // The interface first, under no name; then its members in their order, so that one may inherit from one before it.
    private static IEnumerable<(string Member, string Documentation)> Members(Type port)
    {
        var (documentation, isInside) = ("", false);
        foreach (var line in SourceOf(port))
        {
            var text = line.Trim();
            if (text.StartsWith("///", StringComparison.Ordinal))
            {
                documentation += text + "\n";
            }
            else if (!isInside)
            {
                isInside = text.StartsWith($"public interface {port.Name}", StringComparison.Ordinal);
                if (isInside)
                {
                    yield return (OfAll, documentation);
                }

                documentation = text.StartsWith('[') ? documentation : "";
            }
            else if (line.StartsWith('}'))
            {
                yield break;
            }
            else if (Member().Match(text) is { Success: true } member && documentation.Length > 0)
            {
                yield return (member.Groups[1].Value, documentation);
                documentation = "";
            }
        }
    }

    private static string[] SourceOf(Type port) => Directory
        .EnumerateFiles(Path.Combine(RepositoryRoot.Path, "Grains"), "*.cs", SearchOption.AllDirectories)
        .Select(File.ReadAllLines)
        .First(lines => lines.Any(line => line.StartsWith($"public interface {port.Name}", StringComparison.Ordinal)));

    [GeneratedRegex("""<exception cref="(?:\w+\.)*(\w+)">""")]
    private static partial Regex Exception();

    [GeneratedRegex("""<inheritdoc cref="(\w+)" path="/exception"/>""")]
    private static partial Regex Inherited();

    [GeneratedRegex(@"\b(\w+)(?:\(| \{)")]
    private static partial Regex Member();
}
