using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Tokens;

/// <summary>
/// Makes the provisioning tokens of a fleet: one for all good nodes of a protocol with the same extensions, one more for each kind of bad
/// ones.
/// </summary>
internal sealed class TokenMint : IDisposable
{
    private const int ForeignKeyBits = 2048;
    private static readonly TimeSpan Validity = TimeSpan.FromDays(365);
    private static readonly TimeSpan ExpiredSince = TimeSpan.FromHours(1);

    // A node's clock and the checker's differ; Choria's tokens have no leeway.
    private static readonly TimeSpan Backdated = TimeSpan.FromMinutes(1);

    private readonly SimulatedFleetOptions options;
    private readonly Ed25519Key? issuer;
    private readonly RSA? signer;
    private readonly Random random;
    private readonly DateTimeOffset now;
    private readonly Dictionary<(ChoriaProtocol, SimulatedFault, string?), ProvisioningToken> made = [];

    public TokenMint(SimulatedFleetOptions options, Random random)
    {
        this.options = options;
        this.random = random;
        now = options.Time.GetUtcNow();
        issuer = options.IssuerSeed is { } seed ? Ed25519Key.FromSeedHex(seed) : null;
        if (options.SignerKeyPem is { } pem)
        {
            signer = RSA.Create();
            signer.ImportFromPem(pem);
        }
    }

    /// <summary>The token of the nodes of a protocol with a fault and extensions. The same each time.</summary>
    public ProvisioningToken For(ChoriaProtocol protocol, SimulatedFault fault, string? extensions = null)
    {
        var kind = fault is SimulatedFault.WrongSecret or SimulatedFault.ForgedToken or SimulatedFault.ForeignToken
            or SimulatedFault.ExpiredToken or SimulatedFault.WrongChain ? fault : SimulatedFault.None;
        if (!made.TryGetValue((protocol, kind, extensions), out var token))
        {
            made[(protocol, kind, extensions)] = token = Make(protocol, kind, extensions);
        }

        return token;
    }

    public void Dispose()
    {
        issuer?.Dispose();
        signer?.Dispose();
    }

    private ProvisioningToken Make(ChoriaProtocol protocol, SimulatedFault fault, string? extensions)
    {
        var secret = fault == SimulatedFault.WrongSecret ? options.Secret + "-not" : options.Secret;
        var text = protocol == ChoriaProtocol.V2 ? MakeV2(secret, fault, extensions) : MakeV1(secret, fault, extensions);
        if (fault == SimulatedFault.ForgedToken)
        {
            text = SpoilSignature(text);
        }

        return new ProvisioningToken(text, secret, options.Brokers, options.User, options.Password, options.AllowUpdate);
    }

    private string MakeV2(string secret, SimulatedFault fault, string? extensions)
    {
        var claims = Claims(secret, isV2: true, fault, extensions);
        if (fault == SimulatedFault.ForeignToken)
        {
            using var foreign = RandomKey();
            return TokenSigner.Ed25519(foreign).Sign(claims);
        }

        var signing = issuer ?? throw new InvalidOperationException("protocol V2 needs IssuerSeed");
        if (fault == SimulatedFault.WrongChain)
        {
            using var chain = RandomKey();
            var id = claims["jti"]!.GetValue<string>();
            claims["public_key"] = chain.PublicKeyHex;
            claims["tcs"] = signing.SignHex(Encoding.ASCII.GetBytes($"{id}.{chain.PublicKeyHex}"));
            claims["iss"] = "I-" + signing.PublicKeyHex;
        }

        return TokenSigner.Ed25519(signing).Sign(claims);
    }

    private string MakeV1(string secret, SimulatedFault fault, string? extensions)
    {
        var claims = Claims(secret, isV2: false, fault, extensions);
        if (fault is SimulatedFault.ForeignToken or SimulatedFault.WrongChain)
        {
            using var foreign = RSA.Create(ForeignKeyBits);
            return TokenSigner.Rsa(foreign).Sign(claims);
        }

        return TokenSigner.Rsa(signer ?? throw new InvalidOperationException("protocol V1 needs SignerKeyPem")).Sign(claims);
    }

    private JsonObject Claims(string secret, bool isV2, SimulatedFault fault, string? extensions)
    {
        var expires = fault == SimulatedFault.ExpiredToken ? now - ExpiredSince : now + Validity;
        var issued = (fault == SimulatedFault.ExpiredToken ? expires - Validity : now - Backdated).ToUnixTimeSeconds();
        var claims = new JsonObject { ["cht"] = secret, ["chs"] = false, ["chu"] = options.Brokers, ["chpd"] = true };
        if (options.User is { Length: > 0 } user && options.Password is { Length: > 0 } password)
        {
            claims["chusr"] = user;
            claims["chpwd"] = password;
        }

        claims["extensions"] = extensions is null ? null : JsonNode.Parse(extensions);
        claims["ou"] = options.Organization;
        if (isV2)
        {
            claims["v2"] = true;
        }

        if (options.AllowUpdate)
        {
            claims["update"] = true;
        }

        claims["purpose"] = "choria_provisioning";
        claims["iss"] = "Choria Tokens Package";
        claims["sub"] = "choria_provisioning";
        claims["exp"] = expires.ToUnixTimeSeconds();
        claims["nbf"] = issued;
        claims["iat"] = issued;
        claims["jti"] = TokenId(issued);
        return claims;
    }

    private string TokenId(long issued)
    {
        Span<byte> unique = stackalloc byte[Ksuid.RandomBytes];
        random.NextBytes(unique);
        return Ksuid.From(issued, unique);
    }

    private Ed25519Key RandomKey()
    {
        Span<byte> seed = stackalloc byte[Ed25519Key.SeedBytes];
        random.NextBytes(seed);
        return Ed25519Key.FromSeed(seed);
    }

    // The first character of the signature: the last one may hold bits that do not count.
    private static string SpoilSignature(string token)
    {
        var signature = token.LastIndexOf('.') + 1;
        return $"{token[..signature]}{(token[signature] == 'A' ? 'B' : 'A')}{token[(signature + 1)..]}";
    }
}
