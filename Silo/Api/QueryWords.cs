namespace ControlPlane.Api;

/// <summary>Values of enumerations in query strings: words in any case, and never their numbers.</summary>
internal static class QueryWords
{
    /// <summary>Null for nothing given; false when it is none of the words.</summary>
    public static bool TryRead<T>(string? text, out T? value)
        where T : struct, Enum
    {
        value = null;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        if (!char.IsLetter(text[0]) || !Enum.TryParse<T>(text, ignoreCase: true, out var read) || !Enum.IsDefined(read))
        {
            return false;
        }

        value = read;
        return true;
    }

    /// <summary>Several, one by one or with commas between them; what is wrong with them when something is.</summary>
    public static string? FaultOrNull<T>(string name, string[]? texts, out IReadOnlyList<T> values)
        where T : struct, Enum
    {
        var found = new List<T>();
        values = found;
        foreach (var text in (texts ?? []).SelectMany(text => text.Split(',')))
        {
            if (!TryRead<T>(text, out var value))
            {
                return Rule<T>(name);
            }

            if (value is { } read)
            {
                found.Add(read);
            }
        }

        return null;
    }

    public static string Rule<T>(string name)
        where T : struct, Enum => $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}, in any case";
}
