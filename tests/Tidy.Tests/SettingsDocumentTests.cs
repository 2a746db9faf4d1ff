using System.Text.RegularExpressions;
using ControlPlane.Configuration;

namespace ControlPlane.Tidy.Tests;

/// <summary>docs/SETTINGS.md is what the options classes say.</summary>
public sealed class SettingsDocumentTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs/SETTINGS.md");

    private static readonly SettingComments Comments =
        new(Repository.Sources.Where(file => !file.Path.StartsWith("tests/", StringComparison.Ordinal)));

    [Fact]
    public async Task ThePage_IsWhatTheOptionsClassesSay()
    {
        var rendered = SettingsDocument.Render(Comments);
        var committed = File.Exists(Page) ? await File.ReadAllTextAsync(Page, TestContext.Current.CancellationToken) : "";
        if (committed != rendered)
        {
            var actual = Path.Combine(AppContext.BaseDirectory, "SETTINGS.md");
            await File.WriteAllTextAsync(actual, rendered, TestContext.Current.CancellationToken);
            Assert.Fail($"The settings are others than docs/SETTINGS.md says. If they should be: cp {actual} {Page}");
        }
    }

    [Fact]
    public async Task EverySetting_IsDescribed()
    {
        var page = await File.ReadAllTextAsync(Page, TestContext.Current.CancellationToken);
        var missing = OptionsSections.All
            .SelectMany(section => LeavesOf(section.Value).Select(setting => (Section: section.Key, Setting: setting)))
            .Where(one => !Regex.IsMatch(page, $@"\| `([A-Za-z{{}}:]+:)?{one.Setting}` \| [^|]"))
            .Select(one => $"{one.Section}: {one.Setting}");

        Assert.Empty(missing);
    }

    private static IEnumerable<string> LeavesOf(Type type) => SettingsDocument.SettingsOf(type)
        .SelectMany(setting => SettingsDocument.NestedOf(setting.PropertyType) is { } nested ? LeavesOf(nested) : [setting.Name]);
}
