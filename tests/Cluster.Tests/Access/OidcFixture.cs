using System.Net;
using System.Net.Http.Headers;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.IdentityProvider;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A provider, and APIs that take its tokens.</summary>
public sealed class OidcFixture : IAsyncLifetime
{
    internal TestIdentityProvider Provider { get; private set; } = null!;

    internal TestSignIn SignIn { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), TestContext.Current.CancellationToken);
        SignIn = new TestSignIn(Provider);
    }

    public ValueTask DisposeAsync()
    {
        SignIn.Dispose();
        return Provider.DisposeAsync();
    }

    internal Task<ApiHost> StartAsync(params (string, string)[] settings) => StartAsync(_ => { }, settings);

    internal Task<ApiHost> StartAsync(Action<IServiceCollection> configure, params (string, string)[] settings) =>
        ApiHost.StartAsync(configure, [.. SettingsOf(Provider), .. settings]).WithKeysAsync();

    internal static (string, string)[] SettingsOf(TestIdentityProvider provider) =>
    [
        ("Access:Oidc:Issuers:corp:Issuer", provider.Issuer.ToString()),
        ("Access:Oidc:Issuers:corp:Audiences:0", TestClients.Audience),
        ("Access:Oidc:Issuers:corp:SecondFactorAmr:0", "otp"),
    ];
}

internal static class BearerRequests
{
    /// <summary>Waits until the keys of all providers are known: on a busy machine one may miss the first deadline.</summary>
    public static async Task<ApiHost> WithKeysAsync(this Task<ApiHost> starting)
    {
        var api = await starting;
        foreach (var keys in api.Services.GetRequiredService<IssuerKeyRings>().All)
        {
            await ControlPlane.TestKit.Readiness.UntilAsync(
                async token =>
                {
                    await keys.RefreshAsync(token);
                    return keys.Age is not null;
                },
                $"the keys of {keys.Name} are known",
                TestContext.Current.CancellationToken);
        }

        return api;
    }

    public static async Task<HttpStatusCode> StatusAsync(this ApiHost api, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/nodes");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await api.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
