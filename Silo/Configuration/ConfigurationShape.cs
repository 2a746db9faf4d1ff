using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace ControlPlane.Configuration;

/// <summary>Holds the configuration against the options classes: unknown keys and values of the wrong kind.</summary>
/// <remarks>
/// The configuration binder ignores a key that it does not know and stops at the first value that it cannot convert. An operator
/// who wrote <c>HardLimt</c> should be told, and told of everything at once.
/// </remarks>
internal static partial class ConfigurationShape
{
    /// <summary>What is wrong, each with its key.</summary>
    public static IReadOnlyList<ConfigurationFault> Faults(IConfiguration configuration, IReadOnlyDictionary<string, Type> sections)
    {
        var faults = new List<ConfigurationFault>();
        foreach (var child in configuration.GetChildren())
        {
            CheckSection(child, sections, faults);
        }

        return faults;
    }

    private static void CheckSection(
        IConfigurationSection section, IReadOnlyDictionary<string, Type> sections, List<ConfigurationFault> faults)
    {
        var nested = sections.Keys.Where(key => key.StartsWith(section.Path + ':', StringComparison.OrdinalIgnoreCase)).ToList();
        if (sections.TryGetValue(section.Path, out var type))
        {
            var own = section.GetChildren().Where(child => !IsOrLeadsTo(child.Path, nested)).ToList();
            if (OptionsSections.IsNamed(section.Path))
            {
                own.ForEach(child => Check(child, type, faults));
            }
            else
            {
                CheckObject(section, own, type, faults);
            }
        }
        else if (nested.Count == 0)
        {
            faults.Add(new(section.Path, $"is not a setting of ControlPlane{NearestName.Suggest(section.Path, sections.Keys)}"));
            return;
        }

        foreach (var child in section.GetChildren().Where(child => type is null || IsOrLeadsTo(child.Path, nested)))
        {
            CheckSection(child, sections, faults);
        }
    }

    private static bool IsOrLeadsTo(string path, List<string> sections) => sections.Exists(section =>
        section.Equals(path, StringComparison.OrdinalIgnoreCase) || section.StartsWith(path + ':', StringComparison.OrdinalIgnoreCase));

    private static void Check(IConfigurationSection section, Type type, List<ConfigurationFault> faults)
    {
        var children = section.GetChildren().ToList();
        type = Nullable.GetUnderlyingType(type) ?? type;

        if (IsScalar(type))
        {
            CheckScalar(section, children, type, faults);
        }
        else if (section.Value is { Length: > 0 })
        {
            faults.Add(new(section.Path, "must hold settings of its own, and is a single value"));
        }
        else if (ValueTypeOf(type, typeof(IReadOnlyDictionary<,>), typeof(IDictionary<,>)) is { } valueType)
        {
            children.ForEach(child => Check(child, valueType, faults));
        }
        else if (ValueTypeOf(type, typeof(IEnumerable<>)) is { } itemType)
        {
            CheckItems(children, itemType, faults);
        }
        else
        {
            CheckObject(section, children, type, faults);
        }
    }

    private static void CheckItems(List<IConfigurationSection> children, Type itemType, List<ConfigurationFault> faults)
    {
        foreach (var child in children)
        {
            if (child.Key.All(char.IsAsciiDigit))
            {
                Check(child, itemType, faults);
            }
            else
            {
                faults.Add(new(child.Path, "must be an item of a list"));
            }
        }
    }

    private static void CheckObject(
        IConfigurationSection section, List<IConfigurationSection> children, Type type, List<ConfigurationFault> faults)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite || !IsScalar(property.PropertyType))
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

        foreach (var child in children)
        {
            if (properties.TryGetValue(child.Key, out var property))
            {
                Check(child, property.PropertyType, faults);
            }
            else
            {
                faults.Add(new(child.Path, $"is not a setting of {section.Path}{NearestName.Suggest(child.Key, properties.Keys)}"));
            }
        }
    }

    private static void CheckScalar(
        IConfigurationSection section, List<IConfigurationSection> children, Type type, List<ConfigurationFault> faults)
    {
        if (children.Count > 0)
        {
            faults.Add(new(section.Path, "must be a single value"));
        }
        else if (section.Value is { } value && !IsReadable(value, type))
        {
            faults.Add(new(section.Path, $"must be {Describe(type)}, is '{value}'"));
        }
    }

    private static bool IsScalar(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) || type == typeof(Uri) || TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string));
    }

    private static bool IsReadable(string value, Type type)
    {
        // TimeSpan.Parse reads "30" as thirty days and "24:00:00" as twenty-four days: never what was meant.
        if (type == typeof(TimeSpan))
        {
            return Duration().IsMatch(value);
        }

        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromString(null, CultureInfo.InvariantCulture, value) is not null;
        }
        catch (Exception unreadable) when (unreadable is FormatException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private static string Describe(Type type) => type switch
    {
        _ when type == typeof(TimeSpan) => "a time span as hours:minutes:seconds or days.hours:minutes:seconds",
        _ when type == typeof(bool) => "true or false",
        _ when type.IsEnum => $"one of {string.Join(", ", Enum.GetNames(type))}",
        _ when type == typeof(int) || type == typeof(long) => "a whole number",
        _ when type == typeof(double) => "a number",
        _ => $"a {type.Name}",
    };

    private static Type? ValueTypeOf(Type type, params Type[] shapes) => type.GetInterfaces().Append(type)
        .FirstOrDefault(candidate => candidate.IsGenericType && shapes.Contains(candidate.GetGenericTypeDefinition()))?
        .GetGenericArguments()[^1];

    [GeneratedRegex(@"^(\d{1,7}\.)?([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,7})?)?$")]
    private static partial Regex Duration();
}

/// <param name="Key">The configuration key, its parts joined by colons.</param>
/// <param name="Detail">What is wrong with it, in words that follow the key.</param>
internal sealed record ConfigurationFault(string Key, string Detail);
