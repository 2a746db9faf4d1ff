namespace ControlPlane.Adapters.Choria;

using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

/// <summary>A compact JWS taken apart, not verified.</summary>
internal sealed record TokenText(string Algorithm, byte[] ClaimsJson, byte[] SignedBytes, byte[] Signature)
{
    public const int Parts = 3;

    public static TokenText Read(string token)
    {
        if (token.Length > ChoriaLimits.TokenCharactersMax)
        {
            throw Fault("", $"is longer than {ChoriaLimits.TokenCharactersMax} characters");
        }

        var parts = token.Split('.', Parts + 1);
        if (parts.Length != Parts)
        {
            throw Fault("", "is not of three parts");
        }

        var header = Parse(Decode(parts[0], "header"), "header", TokenJson.Wire.TokenHeader);
        if (header.Critical.ValueKind != JsonValueKind.Undefined)
        {
            throw Fault("crit", "names extensions of the header, of which none is understood here");
        }

        var signedLength = parts[0].Length + 1 + parts[1].Length;
        return new TokenText(
            header.Algorithm,
            Decode(parts[1], "claims"),
            Encoding.ASCII.GetBytes(token, 0, signedLength),
            Decode(parts[2], "signature"));
    }

    /// <summary>The claims, with all that their kind needs: who has them need not ask whether they are there.</summary>
    /// <exception cref="ChoriaFormatException">They are of another purpose, or a claim that is needed is missing or malformed.</exception>
    public T Claims<T>(JsonTypeInfo<T> type)
        where T : TokenClaims
    {
        var claims = ReadClaims(type);
        if (claims.OwnPurpose.Length > 0 && claims.Purpose != claims.OwnPurpose)
        {
            throw Fault("purpose", "is another");
        }

        return claims.Fault() is { } fault ? throw Fault("claims", fault) : claims;
    }

    /// <summary>The claims as they stand: who reads them asks for each that it needs.</summary>
    public T ReadClaims<T>(JsonTypeInfo<T> type)
        where T : TokenClaims => Parse(ClaimsJson, "claims", type);

    public static string Write(string algorithm, ReadOnlySpan<byte> claimsJson, Func<byte[], byte[]> sign)
    {
        var header = Encoding.ASCII.GetBytes($$"""{"alg":"{{algorithm}}","typ":"JWT"}""");
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(claimsJson)}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static T Parse<T>(byte[] json, string part, JsonTypeInfo<T> type) =>
        WireJson.Read(NodeText.WellFormed(json).Span, type, ChoriaLayer.Token, part);

    private static byte[] Decode(string part, string field)
    {
        try
        {
            return Base64Url.DecodeFromChars(part);
        }
        catch (FormatException malformed)
        {
            throw Fault(field, "is not base64url", malformed);
        }
    }

    private static ChoriaFormatException Fault(string field, string problem, Exception? inner = null) =>
        new(new ChoriaFault(ChoriaLayer.Token, field, problem), inner);
}
