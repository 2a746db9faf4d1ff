using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>
/// What Choria's own command line gets here: user tokens, and signatures under requests. Section <c>Access:Signer</c>. User tokens are
/// signed as server tokens are, by <c>Fleet:ServerTokenSeedFile</c>.
/// </summary>
public sealed class ChoriaSigningOptions
{
    public const string Section = "Access:Signer";

    /// <summary>
    /// Path of the client token (JWT) with the permission <c>authentication_delegator</c> in whose name requests of protocol v2 are signed.
    /// None by default: then none are.
    /// </summary>
    public string? SignerTokenFile { get; set; }

    /// <summary>Path of the Ed25519 seed (64 hexadecimal digits) that goes with <see cref="SignerTokenFile"/>.</summary>
    public string? SignerSeedFile { get; set; }

    /// <summary>
    /// Path of the privileged certificate (PEM), named like <c>controlplane.privileged.mcollective</c>, with which requests of protocol v1
    /// are signed for any caller. None by default: then none are.
    /// </summary>
    public string? SignerCertificateFile { get; set; }

    /// <summary>Path of the RSA key (PEM) that goes with <see cref="SignerCertificateFile"/>.</summary>
    public string? SignerKeyFile { get; set; }

    /// <summary>
    /// Whether the service agent <c>aaa_signer</c> answers on the networks of the overlays that this silo serves. False by default: only
    /// HTTP does.
    /// </summary>
    public bool ServiceAgent { get; set; }

    /// <summary>
    /// Files of users with passwords, as Choria's AAA service has them: a JSON list of users, or its whole configuration. They are read
    /// again when they change. None by default.
    /// </summary>
    public List<string> UserFiles { get; set; } = [];

    /// <summary>Signing in at an identity provider by <c>choria login</c>; off without it.</summary>
    public ChoriaOidcOptions? Oidc { get; set; }

    /// <summary>
    /// The organisation of the users: the <c>ou</c> of their tokens, a key of <c>Provisioning:Issuers</c>. <c>choria</c> by default.
    /// </summary>
    public string Organization { get; set; } = TokenClaims.DefaultOrganization;

    /// <summary>How long a user token is good. 1 minute to 1 day; 1 hour by default.</summary>
    [Between("00:01:00", "1.00:00:00")]
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Whether tokens are signed for as well that others made whom <c>Provisioning:Issuers</c> vouches for, such as an AAA service that is
    /// being replaced. False by default.
    /// </summary>
    public bool AcceptOtherTokens { get; set; }

    /// <summary>
    /// How far in the future a token of others may end; longer ones need the permission <c>service</c>. 1 minute to 366 days; 1 day by
    /// default.
    /// </summary>
    [Between("00:01:00", "366.00:00:00")]
    public TimeSpan OtherTokensLifetimeMax { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// The longest time to live of a request that is signed. 1 minute to 1 day; 5 hours by default, the most that <c>choria req</c> asks
    /// for, in batches.
    /// </summary>
    [Between("00:01:00", "1.00:00:00")]
    public TimeSpan RequestLifetimeMax { get; set; } = TimeSpan.FromHours(5);

    /// <summary>
    /// Whether requests of users with an <c>opa_policy</c> are signed, in the belief that nodes judge by it
    /// (<c>rpcauthprovider: aaasvc</c>). False by default: it is not judged by here, so they are refused.
    /// </summary>
    public bool NodesJudgePolicies { get; set; }

    /// <summary>
    /// Whether the inputs of actions are in the audit, where secrets among them would be as well. False by default: their hash is.
    /// </summary>
    public bool RecordInputs { get; set; }

    /// <summary>Whether anything is signed here.</summary>
    internal bool Signs => SignerTokenFile is not null || SignerCertificateFile is not null;

    /// <summary>Whether anybody is given a token here.</summary>
    internal bool LogsIn => UserFiles.Count > 0 || Oidc is not null;
}

/// <summary>How people sign in at an identity provider from Choria's command line: by the device authorization grant (RFC 8628).</summary>
public sealed class ChoriaOidcOptions
{
    /// <summary>The provider: what its tokens have as <c>iss</c>. <c>https://</c>, or <c>http://</c> on loopback. Required.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>The client that the provider knows <c>choria-login</c> by, a public one; ID tokens are for it. Required.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>What is asked for. <c>openid profile</c> when empty.</summary>
    public List<string> Scopes { get; set; } = [];

    /// <summary>
    /// Permissions of the users' tokens at brokers besides <c>signed_fleet_management</c>: of <c>events_viewer</c>, <c>streams_user</c>,
    /// <c>election_user</c> and <c>governor</c>. None by default.
    /// </summary>
    public List<string> Permissions { get; set; } = [];

    /// <summary>What is asked for, the default included.</summary>
    public IReadOnlyList<string> ScopesOrDefault() => Scopes.Count > 0 ? Scopes : ["openid", "profile"];
}

[OptionsValidator]
internal sealed partial class ChoriaSigningOptionsRanges : IValidateOptions<ChoriaSigningOptions>;
