namespace ControlPlane.Tidy.Tests;

/// <summary>Lines of code only: blank lines, comments, usings and lines of nothing but a brace are left out.</summary>
internal static class CodeLines
{
    /// <summary>No more than today's lines, rounded up to the next hundred. Issue 13 aims at 19,500: who deletes, lowers it.</summary>
    public const int Max = 44_150;

    public static readonly string[] Product = ["GrainInterfaces", "Grains", "Adapters", "Silo", "X509"];

    public static int Count(SourceFile file)
    {
        var within = false;
        return file.Text.Split('\n').Count(line => IsCode(line.Trim(), ref within));
    }

    private static bool IsCode(string line, ref bool withinComment)
    {
        if (withinComment || line.StartsWith("/*", StringComparison.Ordinal))
        {
            withinComment = !line.EndsWith("*/", StringComparison.Ordinal);
            return false;
        }

        return line.Length > 0
            && !line.StartsWith("//", StringComparison.Ordinal)
            && line.AsSpan().ContainsAnyExcept('{', '}', ' ')
            && !IsUsing(line);
    }

    // A directive, not "using var" or "using (".
    private static bool IsUsing(string line) =>
        (line.StartsWith("using ", StringComparison.Ordinal) || line.StartsWith("global using ", StringComparison.Ordinal))
        && line.EndsWith(';')
        && !line.Contains('(', StringComparison.Ordinal)
        && !line.StartsWith("using var ", StringComparison.Ordinal);
}
