using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Access;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>What verified tokens say of their holders.</summary>
public sealed class OidcClaimsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private readonly OidcIssuerOptions issuer = new() { Issuer = "https://id.example.net" };

    private static JsonObject Claims() => new()
    {
        ["iss"] = "https://id.example.net", ["aud"] = "controlplane", ["sub"] = "sam", ["exp"] = 1_800_000_600, ["nbf"] = 1_800_000_000,
        ["iat"] = 1_800_000_000, ["jti"] = "1", ["auth_time"] = 1_800_000_000, ["sid"] = "s", ["typ"] = "Bearer",
        ["groups"] = new JsonArray("ops"),
    };

    [Fact]
    public void Judge_TakesTheClaimsThatPoliciesCanName()
    {
        var claims = Claims();
        claims["department"] = "sre";
        claims["teams"] = new JsonArray("blue", "red");
        claims["scope"] = "openid controlplane";
        claims["level"] = 3;
        claims["email_verified"] = true;
        claims["realm_access"] = new JsonObject { ["roles"] = new JsonArray("x") };
        claims["picture"] = new string('x', AccessClaims.NameLengthMax + 1);

        var caller = CallerOf(claims);

        Assert.Equal(
            ["department=sre", "email_verified=true", "level=3", "scope=openid,controlplane", "sub=sam", "teams=blue,red"],
            caller.Claims.Select(claim => $"{claim.Key}={string.Join(',', claim.Value)}").Order(StringComparer.Ordinal));
        Assert.Equal(["ops"], caller.Groups);
        Assert.Equal("1", caller.CredentialId);
    }

    [Fact]
    public void Judge_PutsThePrefixBeforeTheirNames()
    {
        issuer.Prefix = "corp:";
        var claims = Claims();
        claims["department"] = "sre";

        Assert.Equal(["sre"], CallerOf(claims).Claims["corp:department"]);
    }

    [Fact]
    public void Judge_MakesNoClaimARole()
    {
        var claims = Claims();
        (claims["role"], claims["group"], claims["credential"]) = ("admin", "admins", "9");

        var caller = CallerOf(claims);

        Assert.Empty(caller.Roles);
        Assert.Equal(["ops"], caller.Groups);
        Assert.Equal(["admin"], caller.Claims["role"]);
    }

    public static TheoryData<string> TooMuch => ["names", "values", "characters"];

    [Theory]
    [MemberData(nameof(TooMuch))]
    public void Judge_Refuses_WhatIsMoreThanACallCarries(string what)
    {
        var claims = Claims();
        var number = what == "names" ? OidcClaims.ClaimsMax + 1 : 1;
        foreach (var index in Enumerable.Range(0, number))
        {
            claims[$"claim-{index}"] = what switch
            {
                "values" => new JsonArray([.. Enumerable.Range(0, OidcClaims.ValuesMax + 1).Select(value => (JsonNode)$"{value}")]),
                "characters" => new JsonArray([.. Enumerable.Range(0, 40).Select(value => (JsonNode)$"{value}{new string('x', 250)}")]),
                _ => "x",
            };
        }

        Assert.Null(OidcClaims.Judge(Element(claims), issuer, Now, out var fault));
        Assert.Contains("claims besides", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("azp", "another", "another client")]
    [InlineData("typ", "Bearer", "not an ID token")]
    [InlineData("sub", "", "not a name")]
    public void JudgeIdToken_Refuses_WhatIsNotForTheClient(string name, string value, string why)
    {
        var claims = Claims();
        claims.Remove("typ");
        Assert.NotNull(OidcClaims.JudgeIdToken(Element(claims), issuer, "console", Now, out _));

        claims[name] = value;

        Assert.Null(OidcClaims.JudgeIdToken(Element(claims), issuer, "console", Now, out var fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }

    private static JsonElement Element(JsonObject claims) => JsonSerializer.SerializeToElement(claims);

    private Caller CallerOf(JsonObject claims)
    {
        var principal = OidcClaims.Judge(Element(claims), issuer, Now, out var fault);
        Assert.Null(fault);
        return Callers.OfOrNull(principal!, address: null)!;
    }
}
