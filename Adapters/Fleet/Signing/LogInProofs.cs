using System.Globalization;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

// Not who the region is to nodes, which has the same name.
using Caller = ControlPlane.Access.Caller;

/// <param name="Caller">Who it is to our policy and records.</param>
/// <param name="CallerId">Who it is to Choria.</param>
/// <param name="Origin">How it was shown.</param>
/// <param name="Rights">What the token is to say of it.</param>
/// <param name="CredentialExpiresAt">When the credential ends that was shown; null where it may be shown again.</param>
internal sealed record ProvenPerson(
    Caller Caller, string CallerId, ChoriaTokenOrigin Origin, ClientClaims Rights, DateTimeOffset? CredentialExpiresAt = null);

/// <param name="Reason">Why, for our records.</param>
/// <param name="Told">What is told of it to who asked: nothing that helps to guess names or passwords.</param>
internal sealed record LogInRefusal(string Reason, string? Told = null)
{
    /// <summary>Whether what was shown is not good: who goes on so is locked.</summary>
    public bool IsFailure { get; init; }
}

/// <summary>Judges what is shown for a user token, by the rules of Choria's AAA service. Thread-safe.</summary>
internal sealed class LogInProofs(
    UserLists users,
    PasswordCheck passwords,
    IOptions<ChoriaSigningOptions> options,
    TimeProvider time,
    IIdentityTokens? identities = null)
{
    /// <summary>How old a question may be.</summary>
    public static readonly TimeSpan AgeMax = TimeSpan.FromSeconds(60);

    private const string OidcPrefix = "oidc=";

    /// <summary>Who asks; null with the reason.</summary>
    public async Task<(ProvenPerson? Person, LogInRefusal? Refusal)> JudgeAsync(
        ChoriaLogInQuestion question, string? address, CancellationToken cancellationToken)
    {
        if (TimeFault(question.Timestamp) is { } untimely)
        {
            return (null, untimely);
        }

        var statement = question.IdToken is { } idToken
            ? ChoriaLogInQuestion.StatementOfIdToken(question.Timestamp, question.PublicKey, idToken)
            : ChoriaLogInQuestion.StatementOf(question.Timestamp, question.Username ?? "", question.Password ?? "");
        if (!Ed25519Key.VerifyHex(question.PublicKey, Encoding.UTF8.GetBytes(statement), question.Signature))
        {
            return (null, new LogInRefusal("it is not signed by the key that the token would be for", "invalid sig") { IsFailure = true });
        }

        return question.IdToken is null
            ? await JudgePasswordAsync(question, address, cancellationToken)
            : await JudgeIdTokenAsync(question.IdToken, address, cancellationToken);
    }

    private LogInRefusal? TimeFault(string timestamp)
    {
        if (!long.TryParse(timestamp, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)
            || seconds < 0 || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return new LogInRefusal("its timestamp is no number of seconds");
        }

        var age = time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds);
        return age < TimeSpan.Zero ? new LogInRefusal("its timestamp is in the future", "future request")
            : age > AgeMax ? new LogInRefusal("its timestamp is too old", "old request")
            : null;
    }

    private async Task<(ProvenPerson? Person, LogInRefusal? Refusal)> JudgePasswordAsync(
        ChoriaLogInQuestion question, string? address, CancellationToken cancellationToken)
    {
        var list = users.Current();
        var password = question.Password ?? "";
        if (password.Length > PasswordCheck.PasswordCharactersMax)
        {
            return (null, new LogInRefusal("its password is too long"));
        }

        var user = list.Users.GetValueOrDefault(question.Username ?? "");
        return await passwords.IsRightAsync(user, password, list.Cost, cancellationToken) switch
        {
            null => (null, new LogInRefusal("too many log-ins at once", "busy, try again")),
            true => (PersonOf(user!, address), null),
            false => (null, new LogInRefusal(user is null ? "there is no such user" : "the password is wrong") { IsFailure = true }),
        };
    }

    private static ProvenPerson PersonOf(ListedUser user, string? address) => new(
        new Caller { Principal = user.CallerId, Method = CallerMethod.ChoriaToken, Address = address },
        user.CallerId,
        ChoriaTokenOrigin.Password,
        new ClientClaims
        {
            Agents = user.OpaPolicy is { Length: > 0 } ? null : user.Acls,
            OpaPolicy = user.OpaPolicy is { Length: > 0 } policy ? policy : null,
            UserProperties = user.Properties,
            Permissions = user.BrokerPermissions,
        });

    private async Task<(ProvenPerson? Person, LogInRefusal? Refusal)> JudgeIdTokenAsync(
        string idToken, string? address, CancellationToken cancellationToken)
    {
        if (options.Value.Oidc is not { } oidc || identities is null)
        {
            return (null, new LogInRefusal("signing in at an identity provider is not configured", "Access:Signer:Oidc is not configured"));
        }

        if (await identities.ReadAsync(idToken, cancellationToken) is not { } identity)
        {
            return (null, new LogInRefusal("the ID token is not good", "the ID token is refused: sign in again") { IsFailure = true });
        }

        return (
            new ProvenPerson(
                identity.Caller with { Address = address },
                OidcPrefix + NameFor(identity.Caller.Principal),
                ChoriaTokenOrigin.Oidc,
                new ClientClaims { Agents = ["*"], Permissions = PermissionsOf(oidc) },
                identity.ExpiresAt),
            null);
    }

    // Nodes read no more of a caller than these characters, and policies on nodes are written with them.
    private static string NameFor(string principal) =>
        string.Concat(principal.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' ? letter : '_'));

    // Each request needs our signature, and with it our policy.
    private static ClientPermissions PermissionsOf(ChoriaOidcOptions oidc) => new()
    {
        SignedFleetManagement = true,
        EventsViewer = oidc.Permissions.Contains("events_viewer"),
        StreamsUser = oidc.Permissions.Contains("streams_user"),
        ElectionUser = oidc.Permissions.Contains("election_user"),
        Governor = oidc.Permissions.Contains("governor"),
    };
}
