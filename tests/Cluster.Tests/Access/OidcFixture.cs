using System.Net;
using System.Net.Http.Headers;
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
        ApiHost.StartAsync(configure, [.. SettingsOf(Provider), .. settings]);

    internal static (string, string)[] SettingsOf(TestIdentityProvider provider) =>
    [
        ("Access:Oidc:Issuers:corp:Issuer", provider.Issuer.ToString()),
        ("Access:Oidc:Issuers:corp:Audiences:0", TestClients.Audience),
        ("Access:Oidc:Issuers:corp:SecondFactorAmr:0", "otp"),
    ];
}

internal static class BearerRequests
{
    public static async Task<HttpStatusCode> StatusAsync(this ApiHost api, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/nodes");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await api.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
