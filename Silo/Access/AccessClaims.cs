using System.Globalization;
using System.Security.Claims;

namespace ControlPlane.Access;

/// <summary>The claims that every way to sign in ends in, whatever it began with.</summary>
internal static class AccessClaims
{
    public const string Group = "group";

    /// <summary>A role that the credential itself grants, as a line of a token file does.</summary>
    public const string Role = "role";

    /// <summary>When the second factor was given, in Unix seconds. Without it there was none, or nobody says when.</summary>
    public const string SecondFactorAt = "second_factor_at";

    /// <summary>Which of its holder's credentials it was: the id of a token, the serial number of a certificate.</summary>
    public const string Credential = "credential";

    /// <summary>What the types of all other verified claims begin with, so that none of them can be one of those above.</summary>
    private const string OtherPrefix = "claim:";

    /// <summary>The longest name of a principal or a group, or value of a claim, that is taken from a credential.</summary>
    public const int NameLengthMax = 256;

    /// <summary>Who somebody is.</summary>
    /// <param name="method">How it is known: the identity's authentication type.</param>
    /// <param name="principal">The name that the audit and the policy know.</param>
    /// <param name="claims">Of the kinds above.</param>
    public static ClaimsPrincipal Principal(CallerMethod method, string principal, params IEnumerable<Claim> claims) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, principal), .. claims], method.ToString()));

    /// <summary>The claims of a caller who is known by other means: <see cref="Callers"/> makes the same caller of them again.</summary>
    public static ClaimsPrincipal Of(Caller caller) => Principal(caller.Method, caller.Principal, [
        .. caller.Groups.Select(group => new Claim(Group, group)),
        .. caller.Roles.Select(role => new Claim(Role, role)),
        .. caller.Claims.SelectMany(claim => claim.Value.Select(value => Other(claim.Key, value))),
        .. caller.SecondFactorAt is { } at ? [At(at)] : Array.Empty<Claim>(),
        .. caller.CredentialId is { } credential ? [new Claim(Credential, credential)] : Array.Empty<Claim>(),
    ]);

    public static Claim At(DateTimeOffset secondFactor) =>
        new(SecondFactorAt, secondFactor.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>One value of another verified claim, which policies may name.</summary>
    public static Claim Other(string name, string value) => new(OtherPrefix + name, value);

    /// <summary>All values of each claim that <see cref="Other"/> made.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> OthersOf(ClaimsIdentity identity) => identity
        .FindAll(claim => claim.Type.StartsWith(OtherPrefix, StringComparison.Ordinal))
        .GroupBy(claim => claim.Type[OtherPrefix.Length..], claim => claim.Value, StringComparer.Ordinal)
        .ToDictionary(claim => claim.Key, claim => (IReadOnlyList<string>)[.. claim], StringComparer.Ordinal);

    /// <summary>Whether a text can be a name: printable, without white space at its ends, and not too long.</summary>
    public static bool IsName(string? text) => text is { Length: > 0 and <= NameLengthMax }
        && !text.Any(char.IsControl) && text.Trim().Length == text.Length;
}

/// <param name="IsOn">Whether callers must show who they are: any way to do so is configured.</param>
internal sealed record AccessDemand(bool IsOn);

/// <summary>Which ways to sign in are configured.</summary>
internal static class AccessMethods
{
    /// <summary>Whether any way to sign in is configured; without one, whoever reaches loopback is <see cref="Caller.Local"/>.</summary>
    public static bool AnyIn(IConfiguration configuration) =>
        configuration.GetSection($"{TokensOptions.Section}:{nameof(TokensOptions.Files)}").GetChildren().Any()
        || NeedingPolicy(configuration).Any();

    /// <summary>The ways that are configured, by their settings, whose callers may do nothing without a policy.</summary>
    public static IEnumerable<string> NeedingPolicy(IConfiguration configuration)
    {
        const string Issuers = $"{OidcOptions.Section}:{nameof(OidcOptions.Issuers)}";
        const string CaFile = $"{ClientCertificateOptions.Section}:{nameof(ClientCertificateOptions.CaFile)}";
        const string Choria = $"{ChoriaCallersOptions.Section}:{nameof(ChoriaCallersOptions.Enabled)}";
        return new[]
        {
            (Key: Issuers, IsOn: configuration.GetSection(Issuers).GetChildren().Any()),
            (Key: CaFile, IsOn: configuration[CaFile] is { Length: > 0 }),
            (Key: Choria, IsOn: configuration.GetValue<bool>(Choria)),
        }.Where(way => way.IsOn).Select(way => way.Key);
    }
}
