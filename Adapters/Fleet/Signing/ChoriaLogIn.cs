using System.Security.Cryptography;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Signing;

// Not who the region is to nodes, which has the same name.
using Caller = ControlPlane.Access.Caller;

/// <summary>Gives user tokens to who shows a password, or that they signed in at the identity provider. Thread-safe.</summary>
public sealed partial class ChoriaLogIn
{
    private const string Operation = "LogInToChoria";

    private readonly LogInProofs proofs;
    private readonly UserTokens tokens;
    private readonly ChoriaTokens register;
    private readonly IAccessPolicy policy;
    private readonly IAuditTrail audit;
    private readonly ICallLimits limits;
    private readonly SigningMeter meter;
    private readonly ILogger<ChoriaLogIn> logger;

    internal ChoriaLogIn(
        LogInProofs proofs,
        UserTokens tokens,
        ChoriaTokens register,
        IAccessPolicy policy,
        IAuditTrail audit,
        ICallLimits limits,
        SigningMeter meter,
        ILogger<ChoriaLogIn> logger)
    {
        (this.proofs, this.tokens, this.register) = (proofs, tokens, register);
        (this.policy, this.audit, this.limits, this.meter, this.logger) = (policy, audit, limits, meter, logger);
    }

    /// <summary>Gives a token, or says why not. Each time another one: a token whose answer was lost is of use to nobody.</summary>
    public async Task<ChoriaLogInAnswer> LogInAsync(
        ChoriaLogInQuestion question, string? address, CancellationToken cancellationToken)
    {
        var answer = await JudgeAsync(question, address, cancellationToken);
        meter.CountLogIn(
            question.IdToken is null ? "password" : "oidc", answer is ChoriaLogInAnswer.Admitted ? "admitted" : "refused");
        return answer;
    }

    // Who is locked is told so before anything is computed: else guesses would still keep the silo busy.
    private async Task<ChoriaLogInAnswer> JudgeAsync(
        ChoriaLogInQuestion question, string? address, CancellationToken cancellationToken)
    {
        var attempt = new SignInAttempt(address) { UserName = question.IdToken is null ? question.Username : null };
        if (limits.LockOf(attempt) is { } locked)
        {
            return await RefuseAsync(question, address, new LogInRefusal(locked.Detail, locked.Detail));
        }

        var (person, fault) = await proofs.JudgeAsync(question, address, cancellationToken);
        if (person is null)
        {
            if (fault!.IsFailure)
            {
                limits.Failed(attempt);
            }

            return await RefuseAsync(question, address, fault);
        }

        return limits.Take(person.Caller) is { } refusal
            ? await RefuseAsync(question, address, new LogInRefusal(refusal.Detail, refusal.Detail))
            : await AdmitAsync(
                person with { Caller = person.Caller with { Trace = CallTrace.Current() } }, question, cancellationToken);
    }

    private async Task<ChoriaLogInAnswer> RefuseAsync(ChoriaLogInQuestion question, string? address, LogInRefusal fault)
    {
        LogRefused(question.Username ?? "somebody", address, fault.Reason);
        await audit.RecordFailedSignInAsync(
            question.IdToken is null ? CallerMethod.ChoriaToken : CallerMethod.Oidc, question.Username, address, fault.Reason);
        return new ChoriaLogInAnswer.Refused(fault.Told);
    }

    private async Task<ChoriaLogInAnswer> AdmitAsync(
        ProvenPerson person, ChoriaLogInQuestion question, CancellationToken cancellationToken)
    {
        try
        {
            var request = new AccessRequest(Permissions.AccessSelf)
            {
                Operation = Operation,
                Parameters = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["caller"] = person.CallerId,
                    ["publicKey"] = question.PublicKey,
                },
            };
            var decision = await policy.JudgeAsync(person.Caller, request, cancellationToken);
            var recorded = await audit.BeginAsync(person.Caller, request, decision, cancellationToken);
            return decision.IsAllowed
                ? await GiveAsync(person, question, recorded)
                : Refuse(person, decision.Rule);
        }
        catch (AuditUnavailableException unrecorded)
        {
            return Refuse(person, unrecorded.Message);
        }
        catch (Exception away) when (away is TimeoutException or Orleans.Runtime.OrleansException)
        {
            return Refuse(person, "the register of tokens does not answer; try again");
        }
    }

    // Recorded, then in the register, then given out: who dies in between leaves a token that nobody has, and that ends by itself.
    private async Task<ChoriaLogInAnswer> GiveAsync(ProvenPerson person, ChoriaLogInQuestion question, AuditedCall recorded)
    {
        var (token, claims) = tokens.Issue(person.CallerId, question.PublicKey, person.Rights);
        var given = new NewChoriaToken(
            claims.Id!,
            person.CallerId,
            ChoriaSignIn.Of(person.Caller, person.Origin),
            DateTimeOffset.FromUnixTimeSeconds(claims.IssuedAtSeconds ?? 0) + OwnTokenIssuer.Backdate,
            claims.ExpiresAt)
        {
            Credential = question.IdToken is { } credential
                ? Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(credential)))
                : null,
            CredentialExpiresAt = person.CredentialExpiresAt ?? DateTimeOffset.MinValue,
        };
        TokenRegistration outcome;
        try
        {
            outcome = await register.RegisterAsync(given);
        }
        catch (Exception fault)
        {
            await audit.EndAsync(recorded, fault.GetType().Name);
            throw;
        }

        await audit.EndAsync(recorded, outcome == TokenRegistration.Registered ? $"token {claims.Id}" : outcome.ToString());
        return outcome switch
        {
            TokenRegistration.Registered => new ChoriaLogInAnswer.Admitted(token),
            TokenRegistration.NameTaken => Refuse(person, $"the caller {person.CallerId} is already another principal's here"),
            TokenRegistration.CredentialUsed => Refuse(person, "a token was given for this sign-in before: sign in again"),
            _ => Refuse(person, "too many tokens were given that have not ended: have some revoked, or wait until they end"),
        };
    }

    private ChoriaLogInAnswer.Refused Refuse(ProvenPerson person, string reason)
    {
        LogRefused(person.Caller.Principal, person.Caller.Address, reason);
        return new ChoriaLogInAnswer.Refused(reason);
    }

    [LoggerMessage(LogLevel.Warning, "{User} from {Address} was given no Choria token: {Reason}")]
    private partial void LogRefused(string user, string? address, string reason);
}

/// <summary>What somebody shows who wants a user token: a password, or an ID token; and that they have a key.</summary>
/// <param name="Username">Null with an ID token.</param>
/// <param name="Password">Null with an ID token.</param>
/// <param name="IdToken">What the identity provider answered; null with a password.</param>
/// <param name="PublicKey">The hexadecimal Ed25519 key that the token is to be for.</param>
/// <param name="Timestamp">When it is asked, in Unix seconds as text.</param>
/// <param name="Signature">Hexadecimal signature of the key over all of it.</param>
public sealed record ChoriaLogInQuestion(
    string? Username, string? Password, string? IdToken, string PublicKey, string Timestamp, string Signature)
{
    /// <summary>What the key signs with a password: as Choria's command line has it.</summary>
    public static string StatementOf(string timestamp, string username, string password) => $"{timestamp}:{username}:{password}";

    /// <summary>What the key signs with an ID token: no statement with a password can be the same, whatever the name.</summary>
    public static string StatementOfIdToken(string timestamp, string publicKey, string idToken) =>
        $"controlplane:{timestamp}:{publicKey}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(idToken)))}";

    // Records print their members; this one's would end up in a log.
    public override string ToString() => Username ?? "(by an ID token)";
}

/// <summary>What became of a log-in.</summary>
public abstract record ChoriaLogInAnswer
{
    private ChoriaLogInAnswer()
    {
    }

    /// <param name="Token">The user token.</param>
    public sealed record Admitted(string Token) : ChoriaLogInAnswer;

    /// <param name="Detail">What may be said of the reason; null when nothing.</param>
    public sealed record Refused(string? Detail) : ChoriaLogInAnswer;
}
