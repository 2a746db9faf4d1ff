using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.IdentityProvider;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Whose tokens clients of the gateway may send: those that the API takes, but for Choria's.</summary>
public sealed class GatewayTokensTests(OidcFixture oidc) : IClassFixture<OidcFixture>, IDisposable
{
    private const string FileToken = "0123456789abcdefghijklmnop";

    private readonly string file = Path.GetTempFileName();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(file);

    [Fact]
    public async Task AnAccessTokenOfAProvider_IsItsHolders()
    {
        await using var api = await StartAsync();

        var caller = await HolderAsync(api, await AccessTokenAsync("operator"));

        Assert.Equal(("operator", CallerMethod.Oidc, null), (caller?.Principal, caller?.Method, caller?.Address));
        Assert.Equal(["viewers", "operators"], caller!.Groups);
        Assert.Equal([TestClients.CommandLine], caller.Claims["client_id"]);
    }

    [Fact]
    public async Task ATokenOfAFile_IsItsHolders()
    {
        await using var api = await StartAsync();

        var held = await HolderAsync(api, FileToken);
        Assert.Equal(("ci", CallerMethod.AccessToken), (held?.Principal, held?.Method));
    }

    [Fact]
    public async Task WhatIsNotGood_IsNobodys()
    {
        await using var api = await StartAsync();
        var person = await oidc.SignIn.PersonAsync("operator", secondFactor: false, Cancel);
        var good = person.GetProperty("access_token").GetString()!;
        var expired = new ForgedToken(oidc.Provider) { Claims = { ["exp"] = ForgedToken.Now - 120 } };
        var stranger = new ForgedToken(oidc.Provider) { Claims = { ["iss"] = "https://other.example.net" } };
        var choria = new ForgedToken(oidc.Provider) { Claims = { ["purpose"] = "choria_client_id", ["iss"] = "I-abc" } };
        string[] bad =
        [
            "", "ey..", "stolen", person.GetProperty("id_token").GetString()!, good[..^4] + "AAAA", $"{good[..good.LastIndexOf('.')]}.",
            expired.Sign(), stranger.Sign(), choria.Sign(),
        ];

        foreach (var token in bad)
        {
            Assert.Null(await HolderAsync(api, token));
        }
    }

    private async Task<ApiHost> StartAsync()
    {
        await File.WriteAllTextAsync(file, $"ci {FileToken}", Cancel);
        return await oidc.StartAsync(("Access:Tokens:Files:0", file));
    }

    private static async Task<Caller?> HolderAsync(ApiHost api, string token) =>
        await api.Services.GetRequiredService<ITokenAuthenticator>().AuthenticateAsync(token, Cancel);

    private async Task<string> AccessTokenAsync(string user) =>
        (await oidc.SignIn.PersonAsync(user, secondFactor: false, Cancel)).GetProperty("access_token").GetString()!;
}
