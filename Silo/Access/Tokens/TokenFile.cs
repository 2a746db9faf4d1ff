using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlPlane.Access;

/// <summary>One file of bearer tokens as it was read: who holds each, and what is wrong with it.</summary>
/// <param name="Tokens">The SHA-256 of each token and the name of its holder. The tokens themselves are not kept.</param>
/// <param name="Faults">What is wrong, with the line; never the token.</param>
internal sealed partial record TokenFile(IReadOnlyList<HeldToken> Tokens, IReadOnlyList<string> Faults)
{
    /// <summary>128 bits in the densest printable form are 22 characters; shorter ones can be guessed.</summary>
    private const int TokenLengthMin = 22;

    /// <summary>As many as one constant-time comparison per request bears.</summary>
    private const int TokensMax = 256;

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

            if (words is not [var holder, var token] || !Holder().IsMatch(holder) || token.Length < TokenLengthMin)
            {
                faults.Add($"{path}:{index + 1}: must be a name and a token of at least {TokenLengthMin} characters");
                continue;
            }

            tokens.Add(new HeldToken(holder, SHA256.HashData(Encoding.UTF8.GetBytes(token))));
        }

        if (tokens.Count is 0 or > TokensMax)
        {
            faults.Add($"{path}: must hold 1 to {TokensMax} tokens, holds {tokens.Count}");
        }

        return new TokenFile(tokens, faults);
    }

    [GeneratedRegex("^[A-Za-z0-9._@-]{1,64}$")]
    private static partial Regex Holder();
}

/// <param name="Holder">The actor that requests with the token are by.</param>
/// <param name="Digest">The SHA-256 of the token.</param>
internal sealed record HeldToken(string Holder, byte[] Digest);
