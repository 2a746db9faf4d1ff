using System.Security.Cryptography;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Commands;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary><c>choria-login</c>, as <c>choria login</c> runs it.</summary>
public sealed class ChoriaLoginTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-choria-login-");
    private FakeSignIn fake = null!;

    private string TokenFile => Path.Combine(folder.FullName, "new", "token.jwt");

    private string SeedFile => Path.Combine(folder.FullName, "new", "token.key");

    public async ValueTask InitializeAsync() => fake = await FakeSignIn.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await fake.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task TheCommand_SignsIn_AndWritesThePairThatChoriaReads()
    {
        var (code, output, error) = await RunAsync();

        Assert.True(code == ExitCodes.Done, error);
        Assert.Contains("/activate and enter the code ABCD-EFGH", output, StringComparison.Ordinal);
        Assert.Contains("Signed in as oidc=dana", output, StringComparison.Ordinal);
        using var key = Ed25519Key.FromSeedHex(await File.ReadAllTextAsync(SeedFile, TestContext.Current.CancellationToken));
        var token = await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken);
        Assert.True(ChoriaToken.TryReadUnverified(token, out ClientClaims? claims, out _));
        Assert.Equal(key.PublicKeyHex, claims.PublicKey);
        Assert.Equal(64, new FileInfo(SeedFile).Length);
        foreach (var file in (string[])[SeedFile, TokenFile])
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Equal(["token.jwt", "token.key"], Directory.GetFiles(Path.GetDirectoryName(TokenFile)!).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task TheCommand_LeavesTheOldPair_WhenItIsRefused()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(TokenFile)!);
        await File.WriteAllTextAsync(SeedFile, "old seed", TestContext.Current.CancellationToken);
        fake.Refuses = true;

        var (code, _, error) = await RunAsync();

        Assert.Equal(ExitCodes.Refused, code);
        Assert.Contains("Login failed: invalid sig", error, StringComparison.Ordinal);
        Assert.Equal("old seed", await File.ReadAllTextAsync(SeedFile, TestContext.Current.CancellationToken));
        Assert.False(File.Exists(TokenFile));
    }

    [Theory]
    [InlineData("access_denied")]
    [InlineData("expired_token")]
    public async Task TheCommand_SaysWhatTheProviderSays(string refusal)
    {
        fake.Error = refusal;

        var (code, _, error) = await RunAsync();

        Assert.Equal(ExitCodes.Refused, code);
        Assert.Contains(refusal, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheCommand_SaysThatNobodyAnswers()
    {
        var (code, _, error) = await RunAsync("http://127.0.0.1:1/choria/v1/login");

        Assert.Equal(ExitCodes.Refused, code);
        Assert.Contains("http://127.0.0.1:1/choria/v1/login does not answer", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnIdToken_IsRead_WhenTheProviderSignedItForUs()
    {
        using var rings = Rings.Of(new OidcOptions(), Signing());
        var tokens = Tokens(rings);

        var identity = await tokens.ReadAsync(fake.IdToken(), TestContext.Current.CancellationToken);

        Assert.Equal(("dana", CallerMethod.Oidc), (identity!.Caller.Principal, identity.Caller.Method));
        Assert.Equal(["operators"], identity.Caller.Groups);
    }

    [Fact]
    public async Task AnIdToken_IsReadAsTheProvidersAccessTokensAre_WhereThoseAreTaken()
    {
        var oidc = new OidcOptions
        {
            Issuers = { ["corp"] = new OidcIssuerOptions { Issuer = fake.Issuer, Prefix = "corp:", Audiences = ["controlplane"] } },
        };
        using var rings = Rings.Of(oidc, Signing());

        var identity = await Tokens(rings).ReadAsync(fake.IdToken(), TestContext.Current.CancellationToken);

        Assert.Equal("corp", Assert.Single(rings.All).Name);
        Assert.Equal(("corp:dana", "corp:operators"), (identity!.Caller.Principal, Assert.Single(identity.Caller.Groups)));
    }

    [Fact]
    public async Task AnIdToken_IsRefused_WhenItIsForOthers_OfOthers_OrOver()
    {
        using var rings = Rings.Of(new OidcOptions(), Signing());
        var tokens = Tokens(rings);
        using var other = RSA.Create(2048);
        var good = fake.IdToken();
        string[] bad =
        [
            fake.IdToken(audience: "another"),
            fake.IdToken(by: other),
            fake.IdToken(begun: TimeSpan.FromHours(-1)),
            fake.IdToken(begun: TimeSpan.FromHours(1)),
            fake.IdToken(type: "at+jwt"),
            fake.IdToken(issuedBy: "https://other.example.net"),
            $"eyJhbGciOiJub25lIn0.{good.Split('.')[1]}.",
            good[..^4] + "AAAA",
            "",
            new string('a', 100_000),
        ];

        foreach (var token in bad)
        {
            Assert.Null(await tokens.ReadAsync(token, TestContext.Current.CancellationToken));
        }
    }

    private OidcIdentityTokens Tokens(IssuerKeyRings rings) => new(
        Options.Create(Signing()), rings, Rings.TokensOf(rings), NullLogger<OidcIdentityTokens>.Instance);

    private ChoriaSigningOptions Signing() =>
        new() { Oidc = new ChoriaOidcOptions { Issuer = fake.Issuer, ClientId = FakeSignIn.ClientId } };

    // As choria passes them on: with its own name for the command first.
    private async Task<(int Code, string Output, string Error)> RunAsync(string? login = null)
    {
        var config = Path.Combine(folder.FullName, "client.conf");
        await File.WriteAllTextAsync(
            config,
            $"""
            plugin.login.aaasvc.login.url = {login ?? new Uri(fake.Url, "/choria/v1/login").AbsoluteUri}
            plugin.security.choria.token_file = {TokenFile}
            """,
            TestContext.Current.CancellationToken);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.RunAsync([ChoriaLoginCommand.Name, "login", "--debug", "--config", config], output, error);
        return (code, output.ToString(), error.ToString());
    }
}
