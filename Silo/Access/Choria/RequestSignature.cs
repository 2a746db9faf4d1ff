using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Access;

/// <summary>
/// The header <c>Choria-Signature: t=…, n=…, s=…</c>: a request signed by the key of the token beside it. A bearer token alone can be
/// stolen; what is signed here is one request, at one time, to one host.
/// </summary>
/// <param name="At">When it was made: <c>t</c>, in Unix seconds.</param>
/// <param name="Nonce"><c>n</c>, 16 to 64 letters and digits, another for each request.</param>
/// <param name="Signature"><c>s</c>, Ed25519 in lower-case hexadecimal.</param>
internal sealed record RequestSignature(DateTimeOffset At, string Nonce, string Signature)
{
    public const string Header = "Choria-Signature";

    private const string Version = "controlplane-request-v1";
    private const int NonceLengthMin = 16;
    private const int NonceLengthMax = 64;

    /// <summary>Reads the header; null when it is anything else.</summary>
    public static RequestSignature? ReadOrNull(string header)
    {
        var parts = header.Split(", ");
        return parts is [['t', '=', .. var time], ['n', '=', .. var nonce], ['s', '=', .. var signature]]
            && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < 253_402_300_800
            && nonce.Length is >= NonceLengthMin and <= NonceLengthMax && nonce.All(char.IsAsciiLetterOrDigit)
            ? new RequestSignature(DateTimeOffset.FromUnixTimeSeconds(seconds), nonce, signature)
            : null;
    }

    /// <summary>Whether the key signed the request.</summary>
    public bool IsBy(string publicKey, string token, SignedRequest request) =>
        Ed25519Key.VerifyHex(publicKey, Statement(token, request), Signature);

    /// <summary>The bytes that are signed: what they say stands on lines of its own, so that none can be taken for another.</summary>
    public byte[] Statement(string token, SignedRequest request) => Encoding.UTF8.GetBytes(string.Join('\n',
        Version,
        request.Method,
        request.Host,
        request.Target,
        Convert.ToHexStringLower(request.BodyDigest),
        At.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        Nonce,
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))));

    /// <summary>The header's text.</summary>
    public override string ToString() => $"t={At.ToUnixTimeSeconds()}, n={Nonce}, s={Signature}";
}

/// <param name="Method">The method, upper case.</param>
/// <param name="Host">The host and port of the request, as the <c>Host</c> header has them.</param>
/// <param name="Target">Path and query, as they stand in the request line.</param>
/// <param name="BodyDigest">The SHA-256 of the body, of nothing too.</param>
internal sealed record SignedRequest(string Method, string Host, string Target, byte[] BodyDigest);
