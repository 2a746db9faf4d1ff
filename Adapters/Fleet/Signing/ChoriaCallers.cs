using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Fleet.Signing;

// Not who the region is to nodes, which has the same name.
using Caller = ControlPlane.Access.Caller;

/// <summary>
/// Who holds a Choria user token. It is one principal whichever way the token is shown, for a signature or to the API: the one that the
/// register has for it. Thread-safe.
/// </summary>
public sealed class ChoriaCallers
{
    private readonly ChoriaTokens register;
    private readonly UserTokens own;
    private readonly UserRestrictions restrictions;

    internal ChoriaCallers(ChoriaTokens register, UserTokens own, UserRestrictions restrictions)
    {
        (this.register, this.own, this.restrictions) = (register, own, restrictions);
    }

    /// <summary>Who calls with a token. One that others made is recorded when it is first seen, so that it can be revoked.</summary>
    /// <param name="claims">The token's, whose signature is verified, and whose key the caller has proved to have.</param>
    /// <param name="address">Where the call came from.</param>
    /// <returns>The caller, or why there is none; one of the two.</returns>
    public async Task<(Caller? Caller, string? Fault)> FindAsync(ClientClaims claims, string? address)
    {
        if (IdFaultOf(claims) is { } unnamed)
        {
            return (null, unnamed);
        }

        try
        {
            return await register.RecogniseAsync(ShownOf(claims, acceptsOthers: true)) switch
            {
                TokenAdmission.Refused refused => (null, refused.Reason),
                TokenAdmission.Admitted { SignIn: var signIn } when restrictions.IsGone(claims, signIn.Origin) =>
                    (null, UserRestrictions.Gone),
                TokenAdmission.Admitted { SignIn: var signIn } when CallerOrNull(signIn, claims, address) is { } caller => (caller, null),
                _ => (null, "the token says more of its user than a call can carry"),
            };
        }
        catch (Exception away) when (away is TimeoutException or OrleansException)
        {
            return (null, "whether the token was revoked cannot be told now: the register of tokens does not answer");
        }
    }

    /// <summary>Whose token was shown without its key: who goes on trying is to be stopped.</summary>
    /// <returns>The principal; null for a token that is worth nothing anyway, as a revoked one, or while the register is away.</returns>
    public async Task<string?> PrincipalOfAsync(ClientClaims claims, bool acceptsOthers = true)
    {
        try
        {
            var admission = IdFaultOf(claims) is null ? await register.RecogniseAsync(ShownOf(claims, acceptsOthers)) : null;
            return (admission as TokenAdmission.Admitted)?.SignIn.Principal;
        }
        catch (Exception away) when (away is TimeoutException or OrleansException)
        {
            return null;
        }
    }

    /// <summary>Whether a request may be signed for a token, which is remembered: see <see cref="ChoriaTokens.AdmitAsync"/>.</summary>
    internal Task<TokenAdmission> AdmitAsync(ClientClaims claims, bool acceptsOthers, TokenUse use) =>
        register.AdmitAsync(ShownOf(claims, acceptsOthers), use);

    /// <summary>Why a token cannot be in the register; null when it can.</summary>
    internal static string? IdFaultOf(ClientClaims claims) => claims.Id is { Length: > 0 and <= ChoriaLimits.NameCharactersMax }
        ? null
        : "the token has no jti by which it could be revoked";

    /// <summary>The caller with the token's claims; null when they are more than a call can carry.</summary>
    internal static Caller? CallerOrNull(ChoriaSignIn signIn, ClientClaims claims, string? address)
    {
        if (ChoriaCallerClaims.OfOrNull(claims) is not { } said)
        {
            return null;
        }

        // What the token says goes before what the identity provider said under the same name: nodes see it too.
        var caller = signIn.CallerWith(claims.Id!, address);
        return caller with
        {
            Trace = CallTrace.Current(),
            Claims = caller.Claims.Where(claim => !said.ContainsKey(claim.Key)).Concat(said)
                .ToDictionary(claim => claim.Key, claim => claim.Value, StringComparer.Ordinal),
        };
    }

    private ShownToken ShownOf(ClientClaims claims, bool acceptsOthers) =>
        new(claims.Id!, claims.CallerId, claims.ExpiresAt, acceptsOthers && !own.IsOwn(claims));
}
