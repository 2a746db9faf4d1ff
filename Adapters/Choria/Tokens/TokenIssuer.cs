namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

/// <summary>Makes tokens. Thread-safe; the creator goes on owning the key.</summary>
public sealed class TokenIssuer
{
    private const string DefaultIssuerName = "Choria Tokens Package";

    private readonly string algorithm;
    private readonly Func<byte[], byte[]> sign;
    private readonly Ed25519Key? key;
    private readonly ClientClaims? chainIssuer;

    private TokenIssuer(string algorithm, Func<byte[], byte[]> sign, Ed25519Key? key, ClientClaims? chainIssuer)
    {
        this.algorithm = algorithm;
        this.sign = sign;
        this.key = key;
        this.chainIssuer = chainIssuer;
    }

    /// <summary>Signs as an organisation issuer.</summary>
    public static TokenIssuer Organization(Ed25519Key key) => new(TokenAlgorithms.EdDsa, bytes => key.Sign(bytes), key, null);

    /// <summary>Signs the provisioning tokens of an x509 network: RS256.</summary>
    public static TokenIssuer Rsa(RSA key) =>
        new(TokenAlgorithms.Rs256, bytes => key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), null, null);

    /// <summary>Signs as a chain issuer, with the client token that <see cref="IssueChainIssuer"/> made for the key.</summary>
    /// <exception cref="ArgumentException">The token is not that of a chain issuer, or not of the key.</exception>
    public static TokenIssuer Chained(Ed25519Key key, ClientClaims chainIssuer)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(chainIssuer);
        var isChainIssuer = chainIssuer is { Id: not null, TrustChainSignature: not null, ExpiresAtSeconds: not null };
        return isChainIssuer && chainIssuer.PublicKey == key.PublicKeyHex
            ? new TokenIssuer(TokenAlgorithms.EdDsa, bytes => key.Sign(bytes), key, chainIssuer)
            : throw new ArgumentException("the token is not that of a chain issuer with this key", nameof(chainIssuer));
    }

    /// <summary>What its tokens name as their issuer; null when it is no chain issuer, and they name whom they say.</summary>
    public string? ChainedName => chainIssuer is null ? null : TrustChain.ChainedName(chainIssuer.Id!, chainIssuer.PublicKey!);

    /// <summary>Makes a provisioning token; only an organisation issuer or an RSA key can.</summary>
    public string Issue(ProvisioningClaims claims, TimeSpan lifetime, DateTimeOffset now)
    {
        if (chainIssuer is not null)
        {
            throw new InvalidOperationException("a chain issuer cannot make provisioning tokens: nobody accepts them");
        }

        return Sign(Complete(claims, lifetime, now) with { Subject = TokenClaims.ProvisioningPurpose }, TokenJson.Wire.ProvisioningClaims);
    }

    /// <summary>Makes a server token. One of a chain issuer ends no later than the issuer's own.</summary>
    public string Issue(ServerClaims claims, TimeSpan lifetime, DateTimeOffset now) =>
        Sign(Complete(claims, lifetime, now), TokenJson.Wire.ServerClaims);

    /// <summary>Makes a client token. One of a chain issuer ends no later than the issuer's own.</summary>
    public string Issue(ClientClaims claims, TimeSpan lifetime, DateTimeOffset now) =>
        Sign(Complete(claims, lifetime, now), TokenJson.Wire.ClientClaims);

    /// <summary>Makes the client token of a chain issuer, whose key is the public key in the claims.</summary>
    public string IssueChainIssuer(ClientClaims claims, TimeSpan lifetime, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(claims);
        if (key is null || chainIssuer is not null || claims.PublicKey is not { } publicKey)
        {
            throw new InvalidOperationException("only an organisation issuer makes chain issuers, and only for a public key");
        }

        var complete = Complete(claims, lifetime, now);
        return Sign(
            complete with
            {
                Issuer = TrustChain.ChainIssuerName(key.PublicKeyHex),
                TrustChainSignature = key.SignHex(TrustChain.Statement(complete.Id!, publicKey)),
            },
            TokenJson.Wire.ClientClaims);
    }

    /// <summary>Signs claims as they are.</summary>
    internal string Sign<T>(T claims, JsonTypeInfo<T> type) =>
        TokenText.Write(algorithm, JsonSerializer.SerializeToUtf8Bytes(claims, type), sign);

    private T Complete<T>(T claims, TimeSpan lifetime, DateTimeOffset now)
        where T : TokenClaims
    {
        ArgumentNullException.ThrowIfNull(claims);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero);

        // The id holds the second of iat, and who verifies a chain compares them: both come from one reading of the clock.
        var id = Ksuid.New(now);
        var complete = claims with
        {
            Purpose = claims.OwnPurpose,
            Issuer = claims.Issuer ?? DefaultIssuerName,
            IssuedAtSeconds = now.ToUnixTimeSeconds(),
            NotBeforeSeconds = now.ToUnixTimeSeconds(),
            ExpiresAtSeconds = (now + lifetime).ToUnixTimeSeconds(),
            Id = id,
        };
        return (T)(chainIssuer is null ? complete : Chain(complete, id));
    }

    private TokenClaims Chain(TokenClaims claims, string id)
    {
        var vouched = chainIssuer!.TrustChainSignature!;
        return claims with
        {
            Issuer = TrustChain.ChainedName(chainIssuer.Id!, chainIssuer.PublicKey!),
            IssuerExpiresAtSeconds = chainIssuer.ExpiresAtSeconds,
            ExpiresAtSeconds = Math.Min(claims.ExpiresAtSeconds!.Value, chainIssuer.ExpiresAtSeconds!.Value),
            TrustChainSignature = $"{vouched}.{key!.SignHex(TrustChain.Statement(id, vouched))}",
        };
    }
}
