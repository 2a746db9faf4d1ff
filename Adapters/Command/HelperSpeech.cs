using System.Collections;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlPlane.Adapters.Command;

/// <summary>
/// Makes what a program says fit to be shown: without what may be a secret, in one short line. Pure but for the environment.
/// </summary>
/// <remarks>
/// A script complains with what it was given: arguments, variables, the request of <c>curl -v</c>. What looks like a secret is taken out
/// before the text is cut, so that no half of one is left.
/// </remarks>
internal sealed partial class HelperSpeech
{
    private const int LengthMax = 300;
    private const int SecretLengthMin = 6;
    private const string Hidden = "[…]";

    private static readonly string[] SecretNames = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH"];

    private readonly string[] secrets;

    public HelperSpeech(IEnumerable<string> arguments) => secrets =
    [
        .. arguments.Concat(arguments.Select(argument => argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..]))
            .Concat(SecretVariables())
            .Where(text => text.Length >= SecretLengthMin)
            .Distinct()
            .OrderByDescending(text => text.Length),
    ];

    /// <summary>What is fit to be shown of a text; empty when nothing was said.</summary>
    public string Filter(string? text)
    {
        var filtered = PemBlock().Replace(text ?? "", Hidden);
        filtered = secrets.Aggregate(filtered, (rest, secret) => rest.Replace(secret, Hidden, StringComparison.Ordinal));
        filtered = Assignment().Replace(filtered, $"$1{Hidden}");
        filtered = LongWord().Replace(filtered, Hidden);
        var line = new StringBuilder();
        foreach (var character in filtered.Trim())
        {
            line.Append(character is '\n' or '\t' ? ' ' : char.IsControl(character) ? '?' : character);
        }

        return line.Length <= LengthMax ? line.ToString() : $"{line.ToString(0, LengthMax)}…";
    }

    private static IEnumerable<string> SecretVariables() =>
        from DictionaryEntry variable in Environment.GetEnvironmentVariables()
        where Array.Exists(SecretNames, name => ((string)variable.Key).Contains(name, StringComparison.OrdinalIgnoreCase))
        select (string?)variable.Value ?? "";

    // To the end of the text where the end of the block is missing.
    [GeneratedRegex("-----BEGIN.*?(-----END[^-]*-----|$)", RegexOptions.Singleline)]
    private static partial Regex PemBlock();

    [GeneratedRegex("""((?:pass\w*|secret|token|key|authorization|bearer|basic)["']?\s*[=:]?\s*(?:bearer\s+|basic\s+)?)["']?[^\s"']+""", RegexOptions.IgnoreCase)]
    private static partial Regex Assignment();

    // Keys, tokens and digests; few paths or names of machines are as long.
    [GeneratedRegex("[A-Za-z0-9+/_=.-]{32,}")]
    private static partial Regex LongWord();
}
