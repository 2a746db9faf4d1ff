namespace ControlPlane.Adapters.Choria.Tests;

using System.Security.Cryptography;
using System.Text.Json;

public sealed class TokenTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly Ed25519Key organization = Ed25519Key.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
    private readonly Ed25519Key chainKey = Ed25519Key.FromSeed(Enumerable.Repeat((byte)2, 32).ToArray());
    private readonly Ed25519Key nodeKey = Ed25519Key.FromSeed(Enumerable.Repeat((byte)3, 32).ToArray());

    private TokenTrust Trust => TokenTrust.InOrganizations(
        new Dictionary<string, IssuerKey> { ["choria"] = IssuerKey.FromEd25519Hex(organization.PublicKeyHex) });

    private ServerClaims Server => new() { Identity = "n1.example.net", Collectives = ["choria"], PublicKey = nodeKey.PublicKeyHex };

    [Fact]
    public void TryVerify_Trusts_AServerTokenOfTheOrganization()
    {
        var token = TokenIssuer.Organization(organization).Issue(Server, Hour, Now);

        Assert.True(Trust.TryVerify(token, Now, out ServerClaims? claims, out var fault), fault?.Detail);
        Assert.Equal("n1.example.net", claims.Identity);
        Assert.Equal(Now + Hour, claims.ExpiresAt);
    }

    [Fact]
    public void TryVerify_Trusts_AServerTokenOfAChainIssuer_AndItEndsWithItsIssuer()
    {
        var token = ChainIssuer(lifetime: Hour / 2).Issue(Server, Hour, Now);

        Assert.True(Trust.TryVerify(token, Now, out ServerClaims? claims, out var fault), fault?.Detail);
        Assert.Equal(Now + (Hour / 2), claims.ExpiresAt);
    }

    [Fact]
    public void TryVerify_HasNoLeeway()
    {
        var token = TokenIssuer.Organization(organization).Issue(Server, Hour, Now);

        Assert.True(Trust.TryVerify(token, Now, out ServerClaims? _, out _));
        Assert.True(Trust.TryVerify(token, Now + Hour - TimeSpan.FromTicks(1), out ServerClaims? _, out _));
        AssertRefused(TokenRefusal.Expired, token, Now + Hour);
        AssertRefused(TokenRefusal.NotYetValid, token, Now - TimeSpan.FromTicks(1));
    }

    [Fact]
    public void TryVerify_Refuses_ATokenWhoseChainIssuerHasEnded()
    {
        var token = ChainIssuer(Hour).Issue(Server, Hour, Now);
        Assert.True(ChoriaToken.TryReadUnverified(token, out ServerClaims? claims, out _));
        var longer = TokenIssuer.Organization(chainKey).Sign(
            claims with { ExpiresAtSeconds = (Now + (2 * Hour)).ToUnixTimeSeconds() }, TokenJson.Wire.ServerClaims);

        Assert.True(Trust.TryVerify(longer, Now, out ServerClaims? _, out _));
        AssertRefused(TokenRefusal.Expired, longer, Now + Hour);
    }

    [Fact]
    public void TryVerify_Refuses_AChainedTokenWhoseIdIsNotOfItsSecond()
    {
        Assert.True(ChoriaToken.TryReadUnverified(ChainIssuer(Hour).Issue(Server, Hour, Now), out ServerClaims? claims, out _));
        var moved = TokenIssuer.Organization(chainKey).Sign(
            claims with { IssuedAtSeconds = claims.IssuedAtSeconds + 1 }, TokenJson.Wire.ServerClaims);

        AssertRefused(TokenRefusal.WronglyChained, moved, Now);
    }

    [Fact]
    public void TryVerify_Refuses_ATokenWithoutAnEnd()
    {
        var token = TokenIssuer.Organization(organization).Sign(Server with { Purpose = "choria_server" }, TokenJson.Wire.ServerClaims);

        AssertRefused(TokenRefusal.Expired, token, Now);
    }

    [Fact]
    public void TryVerify_Refuses_AServerTokenMadeAsAChainIssuer()
    {
        var token = TokenIssuer.Organization(organization).IssueChainIssuer(
            new ClientClaims { CallerId = "p=x", PublicKey = chainKey.PublicKeyHex }, Hour, Now);
        Assert.True(ChoriaToken.TryReadUnverified(token, out ClientClaims? chain, out _));
        var server = Server with
        {
            Purpose = "choria_server",
            Id = chain.Id,
            Issuer = chain.Issuer,
            PublicKey = chain.PublicKey,
            TrustChainSignature = chain.TrustChainSignature,
            ExpiresAtSeconds = chain.ExpiresAtSeconds,
        };

        AssertRefused(TokenRefusal.WronglyChained, TokenIssuer.Organization(organization).Sign(server, TokenJson.Wire.ServerClaims), Now);
    }

    [Theory]
    [InlineData("other", TokenRefusal.Untrusted)]
    [InlineData("", null)]
    [InlineData("choria", null)]
    public void TryVerify_LooksTheIssuerUp_ByTheOrganization(string unit, TokenRefusal? expected)
    {
        var token = TokenIssuer.Organization(organization).Issue(Server with { OrganizationUnit = unit }, Hour, Now);
        Trust.TryVerify(token, Now, out ServerClaims? _, out var fault);

        Assert.Equal(expected, fault?.Reason);
    }

    [Fact]
    public void TryVerify_TriesEverySigner()
    {
        var trust = TokenTrust.InSigners(
            IssuerKey.FromEd25519Hex(chainKey.PublicKeyHex), IssuerKey.FromEd25519Hex(organization.PublicKeyHex));
        var token = TokenIssuer.Organization(organization).Issue(Server, Hour, Now);

        Assert.True(trust.TryVerify(token, Now, out ServerClaims? _, out _));
        Assert.False(TokenTrust.InSigners().TryVerify(token, Now, out ServerClaims? _, out var fault));
        Assert.Equal(TokenRefusal.Untrusted, fault.Reason);
    }

    [Fact]
    public void TryVerify_Trusts_AProvisioningTokenOfAnRsaKey_InEveryLengthOfHash()
    {
        using var rsa = RSA.Create(2048);
        var trust = TokenTrust.InSigners(IssuerKey.FromRsaPem(rsa.ExportSubjectPublicKeyInfoPem()));
        var token = TokenIssuer.Rsa(rsa).Issue(new ProvisioningClaims { Secret = "s3cret", Urls = "nats://b:4222" }, Hour, Now);
        Assert.True(trust.TryVerify(token, Now, out ProvisioningClaims? claims, out var fault), fault?.Detail);
        Assert.True(claims.HasSecret("s3cret"));
        Assert.False(claims.HasSecret("s3cre"));

        foreach (var (algorithm, hash) in new[] { ("RS384", HashAlgorithmName.SHA384), ("RS512", HashAlgorithmName.SHA512) })
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(claims, TokenJson.Wire.ProvisioningClaims);
            var other = TokenText.Write(algorithm, json, bytes => rsa.SignData(bytes, hash, RSASignaturePadding.Pkcs1));
            Assert.True(trust.TryVerify(other, Now, out ProvisioningClaims? _, out fault), fault?.Detail);
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("PS256")]
    [InlineData("eddsa")]
    [InlineData("")]
    public void TryVerify_Refuses_EveryAlgorithmButTheKeys(string algorithm)
    {
        var claims = Server with { Purpose = "choria_server", ExpiresAtSeconds = (Now + Hour).ToUnixTimeSeconds() };
        var json = JsonSerializer.SerializeToUtf8Bytes(claims, TokenJson.Wire.ServerClaims);

        AssertRefused(TokenRefusal.AnotherAlgorithm, TokenText.Write(algorithm, json, bytes => organization.Sign(bytes)), Now);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("e30.e30.e30")]
    [InlineData("eyJhbGciOiJFZERTQSJ9.bnVsbA.e30")]
    [InlineData("eyJhbGciOiJFZERTQSJ9.!.e30")]
    public void TryVerify_Refuses_WhatIsNoToken(string token) => AssertRefused(TokenRefusal.Malformed, token, Now);

    [Fact]
    public void TryVerify_Refuses_AnOversizeToken() =>
        AssertRefused(TokenRefusal.Malformed, new string('a', ChoriaLimits.TokenCharactersMax + 1), Now);

    [Fact]
    public void Issue_Throws_WhenAChainIssuerMakesAProvisioningToken() =>
        Assert.Throws<InvalidOperationException>(() => ChainIssuer(Hour).Issue(new ProvisioningClaims { Secret = "s" }, Hour, Now));

    [Fact]
    public void ToJsonWithoutSecrets_HoldsNoSecret()
    {
        var claims = new ProvisioningClaims { Secret = "s3cret", Password = "pa55word", Urls = "nats://b:4222", User = "u" };

        Assert.DoesNotContain("s3cret", claims.ToJsonWithoutSecrets(), StringComparison.Ordinal);
        Assert.DoesNotContain("pa55word", claims.ToJsonWithoutSecrets(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", claims.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"cht\":\"s3cret\"", claims.ToJson(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        organization.Dispose();
        chainKey.Dispose();
        nodeKey.Dispose();
    }

    private TokenIssuer ChainIssuer(TimeSpan lifetime)
    {
        var token = TokenIssuer.Organization(organization).IssueChainIssuer(
            new ClientClaims { CallerId = "provisioner=1", PublicKey = chainKey.PublicKeyHex }, lifetime, Now);
        Assert.True(Trust.TryVerify(token, Now, out ClientClaims? claims, out var fault), fault?.Detail);
        return TokenIssuer.Chained(chainKey, claims);
    }

    private void AssertRefused(TokenRefusal reason, string token, DateTimeOffset now)
    {
        Assert.False(Trust.TryVerify(token, now, out ServerClaims? claims, out var fault));
        Assert.Null(claims);
        Assert.Equal(reason, fault.Reason);
    }
}
