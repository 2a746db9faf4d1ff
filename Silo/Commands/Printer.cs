using System.Text.Json;

namespace ControlPlane.Commands;

/// <summary>Prints results as a table for people or as JSON for programs.</summary>
internal sealed class Printer(TextWriter output, bool json)
{
    /// <summary>Prints a list.</summary>
    public void List<T>(IReadOnlyList<T> items, params (string Name, Func<T, object?> Value)[] columns)
    {
        if (json)
        {
            Json(items);
            return;
        }

        var rows = items.Select(item => columns.Select(column => Text(column.Value(item))).ToArray())
            .Prepend(columns.Select(column => column.Name.ToUpperInvariant()).ToArray())
            .ToList();
        var widths = columns.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        rows.ForEach(row => output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()));
    }

    /// <summary>Prints one thing; what is null is left out of the lines for people.</summary>
    public void One<T>(T item, params (string Name, object? Value)[] lines)
    {
        if (json)
        {
            Json(item);
            return;
        }

        var width = lines.Max(line => line.Name.Length) + 1;
        foreach (var (name, value) in lines.Where(line => line.Value is not null))
        {
            output.WriteLine($"{(name + ':').PadRight(width)} {Text(value)}");
        }
    }

    /// <summary>Prints the whole as one JSON document for programs, and what is in it piece by piece for people.</summary>
    public void Whole<T>(T item, Action<Printer> pieces)
    {
        if (json)
        {
            Json(item);
        }
        else
        {
            pieces(this);
        }
    }

    /// <summary>Prints a sentence, for people only.</summary>
    public void Say(string sentence)
    {
        if (!json)
        {
            output.WriteLine(Printable(sentence));
        }
    }

    /// <summary>The text without what a terminal would obey: identities and reasons come from nodes.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private void Json<T>(T value) => output.WriteLine(JsonSerializer.Serialize(value, ApiClient.Json));

    private static string Text(object? value) => value switch
    {
        null => "-",
        DateTimeOffset instant => instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"),
        Enum name => JsonNamingPolicy.CamelCase.ConvertName(name.ToString()),
        _ => Printable(value.ToString() ?? ""),
    };
}
