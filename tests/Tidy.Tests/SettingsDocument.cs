using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using ControlPlane.Configuration;

namespace ControlPlane.Tidy.Tests;

/// <summary>docs/SETTINGS.md: every setting there is, what its options class says of it, and the value that a new one has.</summary>
internal static partial class SettingsDocument
{
    private const string Head = """
        # Settings

        Made from the options classes by `SettingsDocumentTests`, which fails when this page is another: change the classes, not the page.
        How the file is read, and how values are written, is in [OPERATING.md](OPERATING.md#configuration). `{name}` and `{issuer}` are names
        that you give. What is *needed* has no default.

        """;

    public static string Render(SettingComments comments)
    {
        var page = new StringBuilder(Head);
        foreach (var (section, type) in OptionsSections.All.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            var path = OptionsSections.IsNamed(section) ? $"{section}:{{issuer}}" : section;
            page.Append(CultureInfo.InvariantCulture, $"\n## `{path}`\n\n{SectionSentence().Replace(comments.Of(type), "")}\n");
            AppendTable(page, type, [path], comments);
        }

        return page.ToString();
    }

    /// <summary>The settings of an options class: what the configuration can set, inherited ones first.</summary>
    public static IEnumerable<PropertyInfo> SettingsOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanWrite && property.Name != "Name")
        .OrderBy(property => property.DeclaringType == type)
        .ThenBy(property => property.MetadataToken);

    /// <summary>An options class of ours that a setting holds, alone or as the values of a dictionary.</summary>
    public static Type? NestedOf(Type type) => type.GetGenericArguments().Append(type)
        .FirstOrDefault(one => one.IsClass && one.Namespace?.StartsWith("ControlPlane", StringComparison.Ordinal) == true);

    private static void AppendTable(StringBuilder page, Type type, List<string> paths, SettingComments comments)
    {
        var nested = SettingsOf(type).Where(setting => NestedOf(setting.PropertyType) is not null).ToList();
        var usual = Activator.CreateInstance(type)!;
        page.Append("\n| Setting | Meaning | Default |\n| --- | --- | --- |\n");
        foreach (var setting in SettingsOf(type).Except(nested))
        {
            var (meaning, value) = Describe(setting, comments.Of(setting), setting.GetValue(usual));
            var name = paths.Count == 1 ? $"{paths[0]}:{setting.Name}" : setting.Name;
            page.Append(CultureInfo.InvariantCulture, $"| `{name}` | {meaning.Replace("|", "\\|", StringComparison.Ordinal)} | {value} |\n");
        }

        foreach (var group in nested.GroupBy(setting => NestedOf(setting.PropertyType)!))
        {
            var places = group.Select(setting => PathOf(paths[0], setting)).ToList();
            var words = group.Zip(places, (setting, place) =>
                (places.Count > 1 ? $"- `{place}`: " : "") + comments.Of(setting));
            var titles = string.Join(", ", places.Select(place => $"`{place}`"));
            page.Append(CultureInfo.InvariantCulture, $"\n### {titles}\n\n{string.Join('\n', words)}\n");
            AppendTable(page, group.Key, places, comments);
        }
    }

    private static string PathOf(string path, PropertyInfo setting) =>
        $"{path}:{setting.Name}" + (setting.PropertyType.IsGenericType ? ":{name}" : "");

    // The comment says the default in words where it stands in the code; the table has a column for it.
    private static (string Meaning, string Default) Describe(PropertyInfo setting, string comment, object? usual)
    {
        var value = Written(usual);
        var meaning = ByDefault()
            .Replace(comment, clause => value.Length == 0 && !Nothing().IsMatch(clause.Value)
                ? clause.Value
                : clause.Value[0] == ';' ? "." : "")
            .Replace("Required.", "", StringComparison.Ordinal);
        if (EnumOf(setting.PropertyType) is { } choice)
        {
            meaning += $" One of {string.Join(", ", Enum.GetNames(choice).Where(name => name != "Unknown").Select(name => $"`{name}`"))}.";
        }

        var needed = setting.IsDefined(typeof(RequiredAttribute)) || setting.IsDefined(typeof(MinLengthAttribute))
            || Needed().IsMatch(comment);
        var unset = needed ? "*needed*" : Derived().IsMatch(meaning) ? "as described" : "none";
        return (Spaces().Replace(meaning, " ").Trim(), value.Length > 0 ? value : unset);
    }

    private static Type? EnumOf(Type type) => type.GetGenericArguments().Append(type).FirstOrDefault(one => one.IsEnum);

    private static string Written(object? value) => value switch
    {
        null or "" => "",
        bool flag => flag ? "`true`" : "`false`",
        TimeSpan span => $"`{Zeros().Replace(span.ToString("c", CultureInfo.InvariantCulture), "")}`",
        string or ValueType or Uri => string.Create(CultureInfo.InvariantCulture, $"`{value}`"),
        IEnumerable many => string.Join(", ", many.Cast<object>().Select(Written)),
        _ => throw new NotSupportedException($"a setting of {value.GetType()}"),
    };

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();

    // '; 5 seconds by default.', or a sentence of its own: 'None by default.'
    [GeneratedRegex(@"(; |(?<=[.)] )|^)([^;.]|(?<=\d)\.(?=\d))+ by default\.")]
    private static partial Regex ByDefault();

    [GeneratedRegex("(?i)(none|nothing|neither|empty|not demanded) by default")]
    private static partial Regex Nothing();

    [GeneratedRegex(@"Required\.|At least one\.")]
    private static partial Regex Needed();

    [GeneratedRegex("(?i)(?<!none )by default|when empty|when not given")]
    private static partial Regex Derived();

    [GeneratedRegex(@"(?<=\.\d*)0+$")]
    private static partial Regex Zeros();

    [GeneratedRegex(@" Section `[A-Za-z:{} ]+`\.")]
    private static partial Regex SectionSentence();
}
