using System.Security.Cryptography;
using ControlPlane.Access;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>What a sign-in is made of, without a server.</summary>
public sealed class SignInPartsTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    [Fact]
    public void WhatOneSiloSealed_AnotherOpens()
    {
        var sealedBytes = Protector(Key, "a", "b").Protect("text"u8.ToArray());

        Assert.Equal("text"u8.ToArray(), Protector([.. Key], "a", "b").Unprotect(sealedBytes));
    }

    [Fact]
    public void WhatWasSealed_IsOpened_ForItsPurpose_ByItsKey_AndWhole()
    {
        var sealedBytes = Protector(Key, "a", "b").Protect("text"u8.ToArray());
        byte[] bent = [.. sealedBytes[..^1], (byte)(sealedBytes[^1] ^ 1)];

        AssertClosed(Protector(Key, "a", "c"), sealedBytes);
        AssertClosed(Protector(Key, "b", "a"), sealedBytes);
        AssertClosed(Protector(Key, "ab"), sealedBytes);
        AssertClosed(Protector(RandomNumberGenerator.GetBytes(32), "a", "b"), sealedBytes);
        AssertClosed(Protector(Key, "a", "b"), bent);
        AssertClosed(Protector(Key, "a", "b"), sealedBytes[..20]);
        AssertClosed(Protector(Key, "a", "b"), []);
    }

    /// <summary>A session outlives the roll of the site's key, at silos that roll before and after the one that sealed it.</summary>
    [Fact]
    public void WhatWasSealed_IsOpened_WhileTheSitesKeyIsReplaced()
    {
        var after = RandomNumberGenerator.GetBytes(32);
        var steps = ((byte[][][])[[Key], [Key, after], [after, Key], [after]]).Select(keys => Protector(keys, "a", "b")).ToList();
        foreach (var (earlier, later) in steps.Zip(steps.Skip(1)))
        {
            Assert.Equal("text"u8.ToArray(), earlier.Unprotect(later.Protect("text"u8.ToArray())));
            Assert.Equal("text"u8.ToArray(), later.Unprotect(earlier.Protect("text"u8.ToArray())));
        }

        AssertClosed(steps[^1], steps[0].Protect("text"u8.ToArray()));
        AssertClosed(steps[2], [.. steps[0].Protect("text"u8.ToArray())[..^1], 0, 0]);
    }

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/nodes?state=silent&cursor=x", "/nodes?state=silent&cursor=x")]
    [InlineData("//evil.example.net", "/")]
    [InlineData("/\\evil.example.net", "/")]
    [InlineData("https://evil.example.net", "/")]
    [InlineData("nodes", "/")]
    [InlineData("/no\ndes", "/")]
    [InlineData("", "/")]
    [InlineData(null, "/")]
    public void APath_IsOurs_OrTheOverviewIsMeant(string? given, string path) => Assert.Equal(path, LocalPath.Of(given));

    public static TheoryData<string, SignInOptions, string> Faulty => new()
    {
        { "one", new SignInOptions { Issuer = "other", ConsoleClientId = "c" }, "must be a name of Access:Oidc:Issuers" },
        { "two", new SignInOptions { ConsoleClientId = "c" }, "none or several" },
        { "none", new SignInOptions { CommandLineClientId = "c" }, "none or several" },
        { "one", new SignInOptions { ConsoleClientId = "c", Scopes = ["profile"] }, "must have openid" },
        { "one", new SignInOptions { ConsoleClientSecretFile = "/nowhere" }, "ConsoleClientId: is needed" },
        { "one", new SignInOptions { ConsoleClientId = "c", ConsoleClientSecretFile = "/nowhere" }, "/nowhere" },
        { "one", new SignInOptions { SessionLifetime = TimeSpan.FromDays(2) }, "SessionLifetime" },
    };

    [Theory]
    [MemberData(nameof(Faulty))]
    public void Settings_AreRefused_WhenNobodyCouldSignInByThem(string issuers, SignInOptions options, string fault) =>
        Assert.Contains(fault, Validate(issuers, options).FailureMessage, StringComparison.Ordinal);

    [Theory]
    [InlineData("none", "", "")]
    [InlineData("one", "", "c")]
    [InlineData("two", "b", "c")]
    public void Settings_AreTaken_WhenTheProviderIsClear(string issuers, string issuer, string client) =>
        Assert.True(Validate(issuers, new SignInOptions { Issuer = issuer, ConsoleClientId = client }).Succeeded);

    private static ValidateOptionsResult Validate(string issuers, SignInOptions options)
    {
        var oidc = new OidcOptions();
        foreach (var name in issuers switch { "none" => "", "one" => "a", _ => "ab" })
        {
            oidc.Issuers.Add($"{name}", new OidcIssuerOptions());
        }

        return new SignInOptionsValidator(Options.Create(oidc)).Validate(null, options);
    }

    private static IDataProtector Protector(byte[] key, params string[] purposes) => Protector([key], purposes);

    private static IDataProtector Protector(IReadOnlyList<byte[]> keys, params string[] purposes) =>
        new SiteDataProtection(() => keys).CreateProtector(purposes);

    private static void AssertClosed(IDataProtector protector, byte[] sealedBytes) =>
        Assert.ThrowsAny<CryptographicException>(() => protector.Unprotect(sealedBytes));
}
