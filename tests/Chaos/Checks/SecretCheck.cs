using System.Text.RegularExpressions;

namespace ControlPlane.Chaos;

/// <summary>Invariant 8: no secret stands in anything that is written.</summary>
internal static partial class SecretCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Absent(FleetFacts facts)
    {
        var known =
            from text in facts.Texts
            from secret in facts.Secrets
            where text.Value.Contains(secret.Value, StringComparison.Ordinal)
            select new Violation(8, text.Key, $"holds {secret.Key}");
        var shaped =
            from text in facts.Texts
            where PrivateKey().IsMatch(text.Value) || Token().IsMatch(text.Value)
            select new Violation(8, text.Key, "holds a private key or a token");
        return (facts.Texts.Count * facts.Secrets.Count, known.Concat(shaped));
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----", RegexOptions.NonBacktracking)]
    private static partial Regex PrivateKey();

    // A JWT: two parts of base64url that begin as JSON objects do, and a signature.
    [GeneratedRegex(@"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}", RegexOptions.NonBacktracking)]
    private static partial Regex Token();
}
