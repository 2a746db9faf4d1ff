using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.IdentityProvider;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>An identity provider with a viewer, an operator and an approver, and what has the silo take their tokens.</summary>
internal sealed class AccessStage : IAsyncDisposable
{
    /// <summary>Who the demo itself is to the silo.</summary>
    public const string DemoPrincipal = "demo";

    // As long as somebody may look at a demo.
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(12);

    private const int TokenBytes = 24;

    private readonly TestIdentityProvider provider;
    private readonly TestSignIn signIn;
    private readonly string folder;

    private AccessStage(TestIdentityProvider provider, string folder)
    {
        (this.provider, this.folder) = (provider, folder);
        signIn = new TestSignIn(provider);
    }

    public Uri Issuer => provider.Issuer;

    /// <summary>With which the demo itself asks the silo.</summary>
    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    /// <summary>The section of the silo's configuration, YAML.</summary>
    public string Configuration => $"""
        Access:
          Oidc:
            Issuers:
              demo:
                Issuer: {provider.Issuer}
                Audiences: [ {TestClients.Audience} ]
                SecondFactorAmr: [ otp ]
          SignIn:
            ConsoleClientId: {TestClients.Console}
            ConsoleClientSecretFile: {FileOf("console-client-secret")}
            CommandLineClientId: {TestClients.CommandLine}
            Scopes: [ openid, profile, groups, {TestClients.Audience} ]
          Tokens:
            Files: [ {FileOf("access-tokens")} ]
          Policy:
            File: {Path.Combine(RepositoryRoot.Path, "infra/demo/access.yaml")}
          Limits:
            PrincipalRate: 10000
            AddressRate: 10000
        """;

    /// <param name="console">Where the console will be, which the provider sends browsers back to.</param>
    /// <param name="folder">Where tokens and secrets of the run are kept.</param>
    /// <param name="cancellationToken">Ends the starting.</param>
    public static async Task<AccessStage> StartAsync(Uri console, string folder, CancellationToken cancellationToken)
    {
        var settings = new IdentityProviderSettings { Consoles = [console], AccessTokenLifetime = TokenLifetime };
        var access = new AccessStage(await TestIdentityProvider.StartAsync(settings, cancellationToken), folder);
        access.Write("console-client-secret", TestClients.Secret);
        access.Write("access-tokens", $"{DemoPrincipal} {access.Token} roles=demo");
        return access;
    }

    /// <summary>Signs somebody in, and keeps the access token in a file.</summary>
    public async Task<string> TokenOfAsync(string user, CancellationToken cancellationToken)
    {
        var answer = await signIn.PersonAsync(user, secondFactor: false, cancellationToken);
        var token = answer.GetProperty("access_token").GetString() ?? throw new JsonException("the provider gave no access token");
        Write($"{user}.token", token);
        return token;
    }

    public string FileOf(string name) => Path.Combine(folder, "access", name);

    public ValueTask DisposeAsync()
    {
        signIn.Dispose();
        return provider.DisposeAsync();
    }

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FileOf(name))!);
        using var file = new StreamWriter(FileOf(name), new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(content);
    }
}
