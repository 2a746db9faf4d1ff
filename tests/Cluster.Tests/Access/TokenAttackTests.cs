using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.IdentityProvider;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Tokens that are wrong in one respect; each is tried beside the sound one that it was made from.</summary>
public sealed class TokenAttackTests(OidcFixture oidc) : IClassFixture<OidcFixture>
{
    private static readonly Dictionary<string, Action<ForgedToken>> Changes = new()
    {
        ["unknown kid"] = token => token.Header["kid"] = "unknown",
        ["path as kid"] = token => token.Header["kid"] = "../../../../dev/null",
        ["no kid"] = token => token.Header.Remove("kid"),
        ["expired"] = token => token.Claims["exp"] = ForgedToken.Now - 120,
        ["no expiry"] = token => token.Claims.Remove("exp"),
        ["not yet valid"] = token => token.Claims["nbf"] = ForgedToken.Now + 120,
        ["issued in the future"] = token => token.Claims["iat"] = ForgedToken.Now + 120,
        ["far future"] = token => token.Claims["exp"] = ForgedToken.Now + (3 * 24 * 3600),
        ["another audience"] = token => token.Claims["aud"] = "somebody-else",
        ["no audience"] = token => token.Claims.Remove("aud"),
        ["another issuer"] = token => token.Claims["iss"] = "http://127.0.0.1:1/",
        ["no issuer"] = token => token.Claims.Remove("iss"),
        ["type of an ID token"] = token => token.Header["typ"] = "JWT",
        ["no type"] = token => token.Header.Remove("typ"),
        ["nonce of an ID token"] = token => token.Claims["nonce"] = "n",
        ["no principal"] = token => token.Claims.Remove("sub"),
        ["principal that is no text"] = token => token.Claims["sub"] = new JsonArray("operator"),
        ["principal with a line break"] = token => token.Claims["sub"] = "operator\nroot",
        ["groups that are no texts"] = token => token.Claims["groups"] = new JsonArray(1, 2),
        ["another key"] = token => token.Key = RSA.Create(2048),
        ["a weak algorithm"] = token => token.Header["alg"] = "RS1",
        ["an algorithm that is not listed"] = token => token.Header["alg"] = "RS512",
        ["critical extension"] = token => token.Header["crit"] = new JsonArray("b64"),
    };

    public static TheoryData<string> Names => [.. Changes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task AToken_IsRefused_WithThatChangeAlone(string name)
    {
        var token = new ForgedToken(oidc.Provider);
        await using var api = await StartWithKeysAsync();

        Changes[name](token);

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign()));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    public async Task ATokenWithoutSignature_IsRefused(string algorithm)
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider);
        token.Header["alg"] = algorithm;
        var text = $"{ForgedToken.Encode(token.Header.ToJsonString())}.{ForgedToken.Encode(token.Claims.ToJsonString())}";

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync($"{text}."));
        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync($"{text}.AAAA"));
    }

    [Fact]
    public async Task ThePublicKey_IsNoSecretToSignBy()
    {
        await using var api = await StartWithKeysAsync();
        var key = oidc.Provider.SigningKey.Rsa;

        foreach (var secret in new[]
        {
            Encoding.UTF8.GetBytes(key.ExportSubjectPublicKeyInfoPem()), Encoding.UTF8.GetBytes(key.ExportRSAPublicKeyPem()),
            key.ExportSubjectPublicKeyInfo(), key.ExportParameters(false).Modulus!,
        })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(new ForgedToken(oidc.Provider).SignHmac(secret)));
        }
    }

    [Theory]
    [InlineData("jku")]
    [InlineData("x5u")]
    [InlineData("jwk")]
    [InlineData("x5c")]
    public async Task AKeyThatTheTokenBrings_IsNotLookedAt(string header)
    {
        await using var api = await StartWithKeysAsync();
        await using var attacker = await TestIdentityProvider.StartAsync(
            new IdentityProviderSettings(), TestContext.Current.CancellationToken);
        var parameters = attacker.SigningKey.Rsa.ExportParameters(false);
        foreach (var keyId in new[] { oidc.Provider.SigningKey.KeyId, attacker.SigningKey.KeyId })
        {
            var token = new ForgedToken(oidc.Provider) { Key = attacker.SigningKey.Rsa };
            token.Header["kid"] = keyId;
            token.Header[header] = header switch
            {
                "jwk" => new JsonObject
                {
                    ["kty"] = "RSA",
                    ["kid"] = keyId,
                    ["n"] = System.Buffers.Text.Base64Url.EncodeToString(parameters.Modulus),
                    ["e"] = "AQAB",
                },
                "x5c" => new JsonArray(Convert.ToBase64String(attacker.SigningKey.Rsa.ExportSubjectPublicKeyInfo())),
                _ => $"{attacker.Issuer}.well-known/jwks",
            };

            Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign()));
        }

        Assert.Equal(0, attacker.KeySetRequests);
    }

    [Theory]
    [InlineData("\"sub\":\"operator\"", "\"sub\":\"viewer\",\"sub\":\"operator\"")]
    [InlineData("\"aud\":", "\"aud\":\"else\",\"aud\":")]
    public async Task AClaimThatComesTwice_IsRefused(string once, string twice)
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider);
        var claims = token.Claims.ToJsonString().Replace(once, twice, StringComparison.Ordinal);
        Assert.Contains(twice, claims);

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign(token.Header.ToJsonString(), claims)));
    }

    [Fact]
    public async Task AHeaderThatComesTwice_IsRefused()
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider);
        var header = token.Header.ToJsonString().Replace("{", "{\"alg\":\"none\",", StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign(header, token.Claims.ToJsonString())));
    }

    [Fact]
    public async Task AnEncodingThatIsNotTheOnlyOne_IsRefused()
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider).Sign();

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token + "=="));
        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Replace(".", "=.", StringComparison.Ordinal)));

        // 256 bytes are 342 characters, of the last of which two bits count: with others it reads the same.
        var last = token[^1];
        foreach (var other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".Where(c => c != last))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token[..^1] + other));
        }
    }

    [Fact]
    public void AHugeToken_IsRefused_BeforeItIsParsed()
    {
        var huge = "eyJ" + new string('A', JsonWebTokenText.LengthMax) + ".e30.AA";

        Assert.False(JsonWebTokenText.TryRead(huge, out _, out var fault));
        Assert.Equal($"the token is longer than {JsonWebTokenText.LengthMax} characters", fault);
    }

    [Fact]
    public async Task AHugeTokenThatIsSound_IsRefused()
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider);
        token.Claims["padding"] = new string('x', JsonWebTokenText.LengthMax);

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign()));
    }

    [Fact]
    public async Task TwoAuthorizationHeaders_AreRefused_AlsoWhenBothAreGood()
    {
        await using var api = await StartWithKeysAsync();
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(api.Url.Host, api.Url.Port, TestContext.Current.CancellationToken);
        var token = new ForgedToken(oidc.Provider).Sign();
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET /v1/nodes HTTP/1.1\r\nHost: {api.Url.Authority}\r\nAuthorization: Bearer {token}\r\n"
                + $"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"),
            TestContext.Current.CancellationToken);

        using var answer = new StreamReader(client.GetStream());
        Assert.Equal("HTTP/1.1 401 Unauthorized", await answer.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WhyATokenIsRefused_IsNotTold_AndItIsNotLogged()
    {
        await using var api = await StartWithKeysAsync();
        var token = new ForgedToken(oidc.Provider);
        token.Claims["exp"] = ForgedToken.Now - 120;
        var text = token.Sign();
        api.Http.DefaultRequestHeaders.Add("Authorization", $"Bearer {text}");

        var answer = await api.GetAsync("/v1/nodes");

        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        Assert.DoesNotContain(api.Logs.All, line => line.Contains(text.Split('.')[2], StringComparison.Ordinal));
    }

    /// <summary>Only what follows the change is the change's: the same API takes the sound token.</summary>
    private async Task<ApiHost> StartWithKeysAsync()
    {
        // One test tries many, and no lock is to answer in place of the check.
        var api = await oidc.StartAsync(("Access:Limits:AddressFailuresMax", "0"));
        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(new ForgedToken(oidc.Provider).Sign()));
        return api;
    }
}
