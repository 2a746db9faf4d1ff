using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Whose bearer tokens are taken: OpenID Connect providers. Section <c>Access:Oidc</c>.</summary>
public sealed class OidcOptions
{
    public const string Section = "Access:Oidc";

    /// <summary>The providers, each under a name of the operator's choice. None by default.</summary>
    public Dictionary<string, OidcIssuerOptions> Issuers { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// How long the last keys of a provider that does not answer go on being used; afterwards its tokens are refused. 1 minute to 7 days;
    /// 8 hours by default.
    /// </summary>
    [Between("00:01:00", "7.00:00:00")]
    public TimeSpan KeysGrace { get; set; } = TimeSpan.FromHours(8);

    /// <summary>How often a provider's keys are fetched again. 10 seconds to 1 hour; 5 minutes by default.</summary>
    [Between("00:00:10", "01:00:00")]
    public TimeSpan KeysRefresh { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Tokens that end later than this from now are refused. 5 minutes to 30 days; 1 day by default.</summary>
    [Between("00:05:00", "30.00:00:00")]
    public TimeSpan TokenLifetimeMax { get; set; } = TimeSpan.FromDays(1);
}

/// <summary>One OpenID Connect provider.</summary>
public sealed class OidcIssuerOptions
{
    /// <summary>Asymmetric ones: the provider alone can sign.</summary>
    internal static readonly IReadOnlyList<string> KnownAlgorithms =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private static readonly string[] DefaultAlgorithms = ["RS256", "PS256", "ES256"];
    private static readonly string[] DefaultTypes = ["at+jwt", "application/at+jwt"];

    /// <summary>
    /// What its tokens have as <c>iss</c>, to the letter, and below which <c>.well-known/openid-configuration</c> is: <c>https://</c>,
    /// or <c>http://</c> on loopback. Required.
    /// </summary>
    public string Issuer { get; set; } = "";

    /// <summary>Path of the PEM of CAs that the provider's TLS certificate must lead to; the machine's when empty, the default.</summary>
    public string CaFile { get; set; } = "";

    /// <summary>What a token must have one of as <c>aud</c>: the name of the control plane at the provider. At least one.</summary>
    public List<string> Audiences { get; set; } = [];

    /// <summary>
    /// What tokens may be signed with: of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and ES512. RS256, PS256 and ES256 when
    /// empty.
    /// </summary>
    public List<string> Algorithms { get; set; } = [];

    /// <summary>
    /// What a token's header may have as <c>typ</c>. <c>at+jwt</c> when empty: access tokens by RFC 9068. Providers that make other ones
    /// (Keycloak, Entra ID, Okta) need <c>JWT</c>; ID tokens are refused all the same.
    /// </summary>
    public List<string> TokenTypes { get; set; } = [];

    /// <summary>The claim that names the principal. <c>sub</c> by default.</summary>
    public string PrincipalClaim { get; set; } = "sub";

    /// <summary>The claim that lists the principal's groups. <c>groups</c> by default.</summary>
    public string GroupsClaim { get; set; } = "groups";

    /// <summary>
    /// What is put before the names of its principals, groups and claims, so that they are nobody else's: <c>corp:</c>. Empty by default;
    /// with several providers each needs its own.
    /// </summary>
    public string Prefix { get; set; } = "";

    /// <summary>Values of <c>acr</c> that say that a second factor was given. None by default.</summary>
    public List<string> SecondFactorAcr { get; set; } = [];

    /// <summary>Values of <c>amr</c> of which any says that a second factor was given. None by default.</summary>
    public List<string> SecondFactorAmr { get; set; } = [];

    /// <summary>Whether tokens without a second factor are refused. False by default.</summary>
    public bool SecondFactorRequired { get; set; }

    /// <summary>Whether a token's <c>typ</c> says that it is an access token by RFC 9068.</summary>
    internal static bool IsOfAccessTokens(string? type) => DefaultTypes.Contains(type, StringComparer.OrdinalIgnoreCase);

    internal IEnumerable<string> AlgorithmsInForce => Algorithms.Count > 0 ? Algorithms : DefaultAlgorithms;

    internal IEnumerable<string> TypesInForce => TokenTypes.Count > 0 ? TokenTypes : DefaultTypes;
}

[OptionsValidator]
internal sealed partial class OidcOptionsRanges : IValidateOptions<OidcOptions>;

internal sealed class OidcOptionsValidator : IValidateOptions<OidcOptions>
{
    public ValidateOptionsResult Validate(string? name, OidcOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new OidcOptionsRanges().Validate(name, options));
        foreach (var (key, issuer) in options.Issuers)
        {
            Check(faults, $"{nameof(options.Issuers)}:{key}", issuer);
            var twins = options.Issuers.Where(other => other.Key != key).Select(other => other.Value).ToList();
            faults.Require(
                !twins.Exists(twin => twin.Issuer == issuer.Issuer), $"{nameof(options.Issuers)}:{key}:{nameof(issuer.Issuer)}",
                "is that of another provider too");
            faults.Require(
                !twins.Exists(twin => twin.Prefix == issuer.Prefix), $"{nameof(options.Issuers)}:{key}:{nameof(issuer.Prefix)}",
                "must differ from the other providers', or each could name the other's principals");
        }

        return faults.Build();
    }

    private static void Check(ValidateOptionsResultBuilder faults, string path, OidcIssuerOptions issuer)
    {
        faults.RequireSafeUrl(issuer.Issuer, $"{path}:{nameof(issuer.Issuer)}");
        faults.Require(issuer.Audiences.Count > 0, $"{path}:{nameof(issuer.Audiences)}", "must name at least one audience");
        foreach (var (index, algorithm) in issuer.Algorithms.Index())
        {
            faults.Require(
                OidcIssuerOptions.KnownAlgorithms.Contains(algorithm), $"{path}:{nameof(issuer.Algorithms)}:{index}",
                $"must be one of {string.Join(", ", OidcIssuerOptions.KnownAlgorithms)}, is '{algorithm}'");
        }

        faults.Require(
            !issuer.SecondFactorRequired || issuer.SecondFactorAcr.Count + issuer.SecondFactorAmr.Count > 0,
            $"{path}:{nameof(issuer.SecondFactorRequired)}", "needs SecondFactorAcr or SecondFactorAmr: what says that there was one");
        faults.Require(issuer.PrincipalClaim.Length > 0, $"{path}:{nameof(issuer.PrincipalClaim)}", "must name a claim");
        faults.RequireFile(issuer.CaFile, $"{path}:{nameof(issuer.CaFile)}", needed: false);
        if (X509.PemCertificates.FaultOfFile(issuer.CaFile) is { } unreadable)
        {
            faults.AddError(unreadable, $"{path}:{nameof(issuer.CaFile)}");
        }
    }
}
