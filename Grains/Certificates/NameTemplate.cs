using System.Text.RegularExpressions;

namespace ControlPlane.Certificates;

/// <summary>Fills the templates of a profile's names with what is verified of a node. Pure.</summary>
internal static partial class NameTemplate
{
    private static readonly string[] Placeholders = ["{identity}", "{host}", "{domain}", "{overlay}"];

    /// <summary>A template for one node; null stays null.</summary>
    public static string? Fill(string? template, string identity, string overlay)
    {
        if (template is null || !template.Contains('{', StringComparison.Ordinal))
        {
            return template;
        }

        var dot = identity.IndexOf('.', StringComparison.Ordinal);
        return template
            .Replace("{identity}", identity, StringComparison.Ordinal)
            .Replace("{host}", dot < 0 ? identity : identity[..dot], StringComparison.Ordinal)
            .Replace("{domain}", dot < 0 ? "" : identity[(dot + 1)..], StringComparison.Ordinal)
            .Replace("{overlay}", overlay, StringComparison.Ordinal);
    }

    /// <summary>The first placeholder that there is not, or null.</summary>
    public static string? UnknownPlaceholder(string? template) => template is null
        ? null
        : Placeholder().Matches(template).Select(match => match.Value).FirstOrDefault(found => !Placeholders.Contains(found));

    /// <summary>What is wrong with a template of a DNS name, in words that follow it, or null.</summary>
    public static string? DnsFault(string template) =>
        SharedFault(template) ?? (IdentityRules.NameFault(Example(template)) is { } fault ? $"is no DNS name: {fault}" : null);

    /// <summary>What is wrong with a template of a URI, in words that follow it, or null.</summary>
    public static string? UriFault(string template) =>
        SharedFault(template)
            ?? (Uri.TryCreate(Example(template), UriKind.Absolute, out var uri)
                && uri.Host.Length > 0
                && Example(template).Contains("://", StringComparison.Ordinal)
            && Example(template).All(char.IsAscii)
            ? null
            : "is no absolute URI with a host");

    // A name that many nodes carry lets each of them stand in for the others.
    private static string? SharedFault(string template) =>
        UnknownPlaceholder(template) is { } unknown ? $"has the unknown placeholder {unknown}"
        : template.Contains("{identity}", StringComparison.Ordinal) || template.Contains("{host}", StringComparison.Ordinal) ? null
        : "would name every node the same: it must hold {identity} or {host}";

    private static string Example(string template) => Fill(template, "web1.example.net", "eu-1")!;

    [GeneratedRegex(@"\{[^}]*\}?")]
    private static partial Regex Placeholder();
}
