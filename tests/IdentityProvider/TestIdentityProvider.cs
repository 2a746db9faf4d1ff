using System.Security.Cryptography;
using ControlPlane.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace ControlPlane.IdentityProvider;

/// <summary>
/// A real OpenID Connect provider (OpenIddict) on a port of the loopback: discovery, key set, authorization code with PKCE, device grant,
/// client credentials, refresh tokens, sign-out.
/// </summary>
public sealed class TestIdentityProvider : IAsyncDisposable
{
    private const int KeyBits = 2048;

    private readonly IdentityProviderSettings _settings;
    private readonly SymmetricSecurityKey _encryptionKey = new(RandomNumberGenerator.GetBytes(32));
    private readonly InMemoryDatabaseRoot _database = new();
    private readonly List<RsaSecurityKey> _keys = [];
    private WebApplication? _app;

    private TestIdentityProvider(IdentityProviderSettings settings)
    {
        _settings = settings;
        Issuer = new Uri($"http://127.0.0.1:{settings.Port ?? LoopbackPort.Free()}/");
        _keys.Add(NewKey());
    }

    /// <summary>What its tokens have as <c>iss</c>; stays the same over restarts.</summary>
    public Uri Issuer { get; }

    /// <summary>What it signs with now.</summary>
    public RsaSecurityKey SigningKey => _keys[0];

    /// <summary>How often its key set was asked for.</summary>
    public int KeySetRequests { get; private set; }

    public static async Task<TestIdentityProvider> StartAsync(IdentityProviderSettings settings, CancellationToken cancellationToken)
    {
        var provider = new TestIdentityProvider(settings);
        await provider.StartAsync(cancellationToken);
        return provider;
    }

    /// <summary>Starts it again after <see cref="StopAsync"/>, at the same address with the same keys.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _app = Build();
        await _app.StartAsync(cancellationToken);
        await using var scope = _app.Services.CreateAsyncScope();
        await Registrations.AddAsync(scope.ServiceProvider, _settings, cancellationToken);
    }

    /// <summary>Nobody answers at its address any more.</summary>
    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
        }
    }

    /// <summary>Signs with a new key from now on.</summary>
    /// <param name="keepOld">Whether the key set goes on listing the older ones.</param>
    public void RotateKeys(bool keepOld)
    {
        if (!keepOld)
        {
            _keys.Clear();
        }

        _keys.Insert(0, NewKey());
        _app?.Services.GetRequiredService<IOptionsMonitorCache<OpenIddictServerOptions>>().Clear();
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    private static RsaSecurityKey NewKey() =>
        new(RSA.Create(KeyBits)) { KeyId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)) };

    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(Issuer.ToString());
        builder.Services.AddRouting();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddDbContext<DbContext>(database => database.UseInMemoryDatabase("provider", _database).UseOpenIddict());
        builder.Services.AddOpenIddict()
            .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<DbContext>().DisableBulkOperations())
            .AddServer(Configure);
        builder.Services.AddOptions<OpenIddictServerOptions>().Configure(server =>
        {
            server.SigningCredentials.AddRange(_keys.Select(key => new SigningCredentials(key, SecurityAlgorithms.RsaSha256)));
            server.EncryptionCredentials.Add(new EncryptingCredentials(
                _encryptionKey, SecurityAlgorithms.Aes256KW, SecurityAlgorithms.Aes256CbcHmacSha512));
        });

        var app = builder.Build();
        app.Use((context, next) =>
        {
            KeySetRequests += context.Request.Path == "/.well-known/jwks" ? 1 : 0;
            return next(context);
        });
        app.UseRouting();
        app.UseAuthentication();
        app.MapSignIn();
        return app;
    }

    private void Configure(OpenIddictServerBuilder server)
    {
        server.SetIssuer(Issuer)
            .SetAuthorizationEndpointUris("connect/authorize")
            .SetTokenEndpointUris("connect/token")
            .SetDeviceAuthorizationEndpointUris("connect/device")
            .SetEndUserVerificationEndpointUris("connect/verify")
            .SetEndSessionEndpointUris("connect/endsession")
            .SetRevocationEndpointUris("connect/revoke");
        server.AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange();
        server.AllowDeviceAuthorizationFlow().AllowClientCredentialsFlow().AllowRefreshTokenFlow();
        server.RegisterScopes(Scopes.Profile, Scopes.Email, "groups", TestClients.Audience);
        server.RegisterClaims(
            "groups", Claims.AuthenticationTime, Claims.AuthenticationContextReference, Claims.AuthenticationMethodReference);
        server.DisableAccessTokenEncryption();
        server.SetAccessTokenLifetime(_settings.AccessTokenLifetime);
        server.UseAspNetCore()
            .EnableAuthorizationEndpointPassthrough()
            .EnableTokenEndpointPassthrough()
            .EnableEndUserVerificationEndpointPassthrough()
            .EnableEndSessionEndpointPassthrough()
            .DisableTransportSecurityRequirement();
    }
}
