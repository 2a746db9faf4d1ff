using System.Reflection;
using System.Text.RegularExpressions;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What the package's README promises.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void EveryTest_ThatThePackagesReadmeNames_IsThere()
    {
        var readme = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "Adapters", "Nats", "README.md"));
        var facts = typeof(ReadmeTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null })
            .Select(method => method.Name)
            .ToHashSet(StringComparer.Ordinal);
        string[] named = [.. TestName().Matches(readme[readme.IndexOf("| Test |", StringComparison.Ordinal)..]).Select(match => match.Groups[1].Value)];

        Assert.True(named.Length >= 20);
        Assert.All(named, name => Assert.Contains(name, facts));
    }

    [GeneratedRegex("`([A-Z][A-Za-z]+_[A-Za-z_]+)`")]
    private static partial Regex TestName();
}
