using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace ControlPlane.Access;

/// <summary>What a call was made with, as its record keeps it. Pure.</summary>
/// <remarks>Arguments are told by their types. What is marked <see cref="RedactAttribute"/> is left out.</remarks>
public static class CallParameters
{
    /// <summary>How much of one argument is kept: enough for what people write; of a policy's text its beginning.</summary>
    public const int LengthMax = 1_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutSecrets } },
    };

    /// <summary>Names the arguments by their types: those that tell nothing, such as tokens of cancellation, are left out.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<object?> arguments)
    {
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var argument in arguments.Where(IsTold))
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(argument!.GetType().Name);
            told.TryAdd(told.ContainsKey(name) ? string.Create(CultureInfo.InvariantCulture, $"{name}{told.Count}") : name, Text(argument));
        }

        return told;
    }

    private static bool IsTold(object? argument) => argument is string or ValueType and not CancellationToken
        || argument?.GetType().Namespace?.StartsWith("ControlPlane", StringComparison.Ordinal) == true;

    private static string Text(object argument)
    {
        var text = argument as string ?? JsonSerializer.Serialize(argument, argument.GetType(), Json);
        return text.Length <= LengthMax ? text : $"{text[..LengthMax]}… ({text.Length} characters)";
    }

    private static void LeaveOutSecrets(JsonTypeInfo type)
    {
        foreach (var secret in type.Properties.Where(property =>
            property.AttributeProvider?.IsDefined(typeof(RedactAttribute), inherit: true) == true).ToList())
        {
            type.Properties.Remove(secret);
        }
    }
}
