using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlPlane.Access;

/// <summary>One file of bearer tokens as it was read: who holds each, and what is wrong with it.</summary>
/// <param name="Tokens">The SHA-256 of each token and what is said of it. The tokens themselves are not kept.</param>
/// <param name="Faults">What is wrong, with the line; never the token.</param>
internal sealed partial record TokenFile(IReadOnlyList<HeldToken> Tokens, IReadOnlyList<string> Faults)
{
    /// <summary>128 bits in the densest printable form are 22 characters; shorter ones can be guessed.</summary>
    private const int TokenLengthMin = 22;

    /// <summary>As many as one constant-time comparison per request bears.</summary>
    private const int TokensMax = 256;

    private const string DigestPrefix = "sha256:";

    private const int IdDigits = 8;

    private static readonly string[] Instants = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ssK"];

    public static TokenFile Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new TokenFile([], [$"the token file '{path}' cannot be read: {unreadable.Message}"]);
        }

        return Parse(path, lines);
    }

    private static TokenFile Parse(string path, string[] lines)
    {
        var tokens = new List<HeldToken>();
        var faults = new List<string>();
        foreach (var (index, line) in lines.Index())
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0 || words[0].StartsWith('#'))
            {
                continue;
            }

            var token = ParseLine(words, out var fault);
            fault ??= tokens.Exists(other => other.Digest.AsSpan().SequenceEqual(token!.Digest)) ? "is a token of another line too"
                : tokens.Exists(other => other.Id == token!.Id) ? "has the id of another line" : null;
            if (fault is null)
            {
                tokens.Add(token! with { Place = $"{path}:{index + 1}" });
            }
            else
            {
                faults.Add($"{path}:{index + 1}: {fault}");
            }
        }

        if (tokens.Count + faults.Count is 0 or > TokensMax)
        {
            faults.Add($"{path}: must hold 1 to {TokensMax} tokens, holds {tokens.Count}");
        }

        return new TokenFile(tokens, faults);
    }

    private static HeldToken? ParseLine(string[] words, out string? fault)
    {
        fault = null;
        if (words.Length < 2 || !Name().IsMatch(words[0]) || DigestOf(words[1]) is not { } digest)
        {
            fault = $"must be a name, and a token of at least {TokenLengthMin} characters or {DigestPrefix} and 64 hexadecimal digits";
            return null;
        }

        var token = new HeldToken(words[0], digest, Convert.ToHexStringLower(digest)[..IdDigits]);
        foreach (var word in words.Skip(2))
        {
            var (key, value) = word.Split('=', 2) is [var left, var right] ? (left, right) : (word, "");
            switch (key)
            {
                case "id" when Name().IsMatch(value):
                    token = token with { Id = value };
                    break;

                case "roles" when value.Split(',') is var roles && roles.All(Name().IsMatch):
                    token = token with { Roles = roles };
                    break;

                case "expires" when DateTimeOffset.TryParseExact(
                    value, Instants, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end):
                    token = token with { ExpiresAt = end };
                    break;

                default:
                    fault = "what follows the token must be id=NAME, roles=NAME,NAME or expires=DATE (2027-01-31, or 2027-01-31T12:00:00Z)";
                    return null;
            }
        }

        return token;
    }

    private static byte[]? DigestOf(string word)
    {
        if (!word.StartsWith(DigestPrefix, StringComparison.Ordinal))
        {
            return word.Length < TokenLengthMin ? null : SHA256.HashData(Encoding.UTF8.GetBytes(word));
        }

        var digits = word[DigestPrefix.Length..];
        return digits.Length == 2 * SHA256.HashSizeInBytes && digits.All(char.IsAsciiHexDigit) ? Convert.FromHexString(digits) : null;
    }

    [GeneratedRegex("^[A-Za-z0-9._@-]{1,64}$")]
    private static partial Regex Name();
}

/// <param name="Holder">The principal that requests with the token are by.</param>
/// <param name="Digest">The SHA-256 of the token.</param>
/// <param name="Id">Which of the holder's tokens it is, for the audit.</param>
internal sealed record HeldToken(string Holder, byte[] Digest, string Id)
{
    /// <summary>Roles that it grants whatever the policy says of its holder.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>When it ends; never when null.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>File and line, for operators.</summary>
    public string Place { get; init; } = "";
}
