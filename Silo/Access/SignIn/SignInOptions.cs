using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// How people sign in at an identity provider: at the console, and by <c>controlplane login</c>. Section <c>Access:SignIn</c>.
/// </summary>
public sealed class SignInOptions
{
    public const string Section = "Access:SignIn";

    private static readonly string[] DefaultScopes = ["openid", "profile"];

    /// <summary>Which of <c>Access:Oidc:Issuers</c>, by its name. May be empty, the default, where there is one.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>
    /// The client that the provider knows the console by: authorization code with PKCE, redirect URI <c>/access/signed-in</c> and, after
    /// sign-out, <c>/access/signed-out</c>, below each address of the console. Empty, the default, for none: browsers are asked for a
    /// token.
    /// </summary>
    public string ConsoleClientId { get; set; } = "";

    /// <summary>Path of the file with the secret of the console's client; empty, the default, for a public client.</summary>
    public string ConsoleClientSecretFile { get; set; } = "";

    /// <summary>
    /// The client that the provider knows <c>controlplane login</c> by, a public one: device authorization grant, or authorization code
    /// with PKCE and the redirect URI <c>http://127.0.0.1</c> with any port. Empty, the default, for none.
    /// </summary>
    public string CommandLineClientId { get; set; } = "";

    /// <summary>
    /// What both ask for; add the scope whose access tokens are for the control plane. <c>openid profile</c> when empty. The command line
    /// asks for <c>offline_access</c> besides.
    /// </summary>
    public List<string> Scopes { get; set; } = [];

    /// <summary>After how long somebody signs in at the console again, whatever they do. 5 minutes to 1 day; 8 hours by default.</summary>
    [Between("00:05:00", "1.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(8);

    /// <summary>The provider's name among the issuers; null when the settings name none.</summary>
    internal string? ProviderIn(OidcOptions oidc) => oidc.Issuers.ContainsKey(Issuer) ? Issuer
        : Issuer.Length == 0 && oidc.Issuers.Count == 1 ? oidc.Issuers.Keys.Single()
        : null;

    internal IReadOnlyList<string> ScopesInForce => Scopes.Count > 0 ? Scopes : DefaultScopes;
}

[OptionsValidator]
internal sealed partial class SignInOptionsRanges : IValidateOptions<SignInOptions>;

internal sealed class SignInOptionsValidator(IOptions<OidcOptions> oidc) : IValidateOptions<SignInOptions>
{
    public ValidateOptionsResult Validate(string? name, SignInOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new SignInOptionsRanges().Validate(name, options));
        var isUsed = options.ConsoleClientId.Length + options.CommandLineClientId.Length > 0;
        faults.Require(
            (!isUsed && options.Issuer.Length == 0) || options.ProviderIn(oidc.ValueOrDefault()) is not null,
            nameof(options.Issuer),
            options.Issuer.Length > 0
                ? $"must be a name of Access:Oidc:Issuers, is '{options.Issuer}'"
                : "must name one of Access:Oidc:Issuers, of which there are none or several");
        faults.Require(
            options.ScopesInForce.Contains("openid"),
            nameof(options.Scopes),
            "must have openid among them, or the provider does not say who signed in");
        faults.RequireFile(options.ConsoleClientSecretFile, nameof(options.ConsoleClientSecretFile), needed: false);
        faults.Require(
            options.ConsoleClientSecretFile.Length == 0 || options.ConsoleClientId.Length > 0,
            nameof(options.ConsoleClientId),
            "is needed with ConsoleClientSecretFile");
        return faults.Build();
    }
}
