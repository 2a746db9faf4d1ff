using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>What a signature of the link is over, besides who signed it and when.</summary>
/// <param name="Region">The region: two regions may use one name for a site.</param>
/// <param name="From">The site that signs.</param>
/// <param name="To">The site that it is for.</param>
/// <param name="Channel">The channel that it is about.</param>
/// <param name="Payload">The message.</param>
/// <param name="Question">Of an answer: what was asked. Empty for a question.</param>
internal sealed record SealedMessage(
    string Region, string From, string To, string Channel, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Question = default);

/// <summary>The signature of a message between sites, as it goes in a header beside the message.</summary>
/// <param name="From">The site that says it signed.</param>
/// <param name="At">When, by its clock, in milliseconds since 1970.</param>
/// <param name="Nonce">Of a question: unguessable, and never again the same. Of an answer: that of its question.</param>
/// <param name="Signature">Ed25519, hexadecimal.</param>
internal sealed record SiteSeal(string From, long At, string Nonce, string Signature)
{
    /// <summary>The header.</summary>
    public const string Header = "ControlPlane-Site";

    public const int NonceDigits = 32;

    private const string Version = "1";

    public static SiteSeal Of(Ed25519Key key, SealedMessage message, DateTimeOffset at, string nonce)
    {
        var milliseconds = at.ToUnixTimeMilliseconds();
        return new SiteSeal(message.From, milliseconds, nonce, key.SignHex(Signed(message, milliseconds, nonce)));
    }

    /// <summary>Reads a header; null when it is none.</summary>
    public static SiteSeal? ReadOrNull(string? header) => header?.Split(' ') is [Version, var from, var at, var nonce, var signature]
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        && nonce.Length == NonceDigits && nonce.All(char.IsAsciiHexDigitLower)
            ? new SiteSeal(from, milliseconds, nonce, signature)
            : null;

    /// <summary>Whether one of the keys signed the message with this time and nonce.</summary>
    public bool IsOf(IEnumerable<string> publicKeys, SealedMessage message)
    {
        var signed = Signed(message, At, Nonce);
        return publicKeys.Any(key => Ed25519Key.VerifyHex(key, signed, Signature));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Version} {From} {At} {Nonce} {Signature}");

    // Names of sites, regions and channels hold no line breaks, and the rest are digits: no two messages have the same bytes. The first
    // line keeps a signature from being taken for one over something else, and an answer from being taken for a question.
    private static byte[] Signed(SealedMessage message, long at, string nonce)
    {
        var kind = message.Question.IsEmpty ? "question" : "answer";
        return Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"controlplane-link-v{Version} {kind}\n{message.Region}\n{message.From}\n{message.To}\n{message.Channel}\n{at}\n{nonce}\n"
            + $"{Digest(message.Question)}\n{Digest(message.Payload)}"));
    }

    private static string Digest(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
}
