using Microsoft.Extensions.DependencyInjection;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace ControlPlane.IdentityProvider;

/// <summary>The clients and scopes, registered at each start; what a restart finds again is left as it is.</summary>
internal static class Registrations
{
    private static readonly string[] AllScopes =
        [Permissions.Scopes.Profile, Permissions.Scopes.Email, Permissions.Prefixes.Scope + "groups",
            Permissions.Prefixes.Scope + TestClients.Audience];

    public static async Task AddAsync(IServiceProvider services, IdentityProviderSettings settings, CancellationToken cancellationToken)
    {
        var clients = services.GetRequiredService<IOpenIddictApplicationManager>();
        foreach (var client in (OpenIddictApplicationDescriptor[])[Console(settings), CommandLine(), Robot()])
        {
            if (await clients.FindByClientIdAsync(client.ClientId!, cancellationToken) is null)
            {
                await clients.CreateAsync(client, cancellationToken);
            }
        }

        var scopes = services.GetRequiredService<IOpenIddictScopeManager>();
        if (await scopes.FindByNameAsync(TestClients.Audience, cancellationToken) is null)
        {
            await scopes.CreateAsync(
                new OpenIddictScopeDescriptor { Name = TestClients.Audience, Resources = { TestClients.Audience } }, cancellationToken);
        }
    }

    private static OpenIddictApplicationDescriptor Console(IdentityProviderSettings settings)
    {
        var client = new OpenIddictApplicationDescriptor
        {
            ClientId = TestClients.Console,
            ClientSecret = TestClients.Secret,
            ClientType = ClientTypes.Confidential,
            ConsentType = ConsentTypes.Implicit,
        };
        client.RedirectUris.UnionWith(settings.Consoles.Select(console => new Uri(console, TestClients.SignedInPath)));
        client.PostLogoutRedirectUris.UnionWith(settings.Consoles.Select(console => new Uri(console, TestClients.SignedOutPath)));
        client.Permissions.UnionWith(
        [
            Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.EndSession,
            Permissions.GrantTypes.AuthorizationCode, Permissions.GrantTypes.RefreshToken, Permissions.ResponseTypes.Code, .. AllScopes,
        ]);
        client.Requirements.Add(Requirements.Features.ProofKeyForCodeExchange);
        return client;
    }

    private static OpenIddictApplicationDescriptor CommandLine()
    {
        var client = new OpenIddictApplicationDescriptor
        {
            ClientId = TestClients.CommandLine,
            ClientType = ClientTypes.Public,
            ApplicationType = ApplicationTypes.Native,
            ConsentType = ConsentTypes.Implicit,
            RedirectUris = { new Uri("http://127.0.0.1/") },
        };
        client.Permissions.UnionWith(
        [
            Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.Revocation,
            Permissions.Endpoints.DeviceAuthorization,
            Permissions.GrantTypes.AuthorizationCode, Permissions.GrantTypes.DeviceCode, Permissions.GrantTypes.RefreshToken,
            Permissions.ResponseTypes.Code, .. AllScopes,
        ]);
        client.Requirements.Add(Requirements.Features.ProofKeyForCodeExchange);
        return client;
    }

    private static OpenIddictApplicationDescriptor Robot()
    {
        var client = new OpenIddictApplicationDescriptor
        {
            ClientId = TestClients.Robot,
            ClientSecret = TestClients.Secret,
            ClientType = ClientTypes.Confidential,
        };
        client.Permissions.UnionWith([Permissions.Endpoints.Token, Permissions.GrantTypes.ClientCredentials, .. AllScopes]);
        return client;
    }
}
