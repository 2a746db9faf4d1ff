using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Fleet.Signing;

// Not who the region is to nodes, which has the same name.
using Caller = ControlPlane.Access.Caller;

/// <summary>
/// Whether a proven request may be signed: by the register of tokens, the limits, the user's own list, and our policy. Thread-safe.
/// </summary>
internal sealed class SignatureRights(
    ChoriaCallers callers,
    UserRestrictions restrictions,
    ICallLimits limits,
    IAccessPolicy policy,
    AccessGuard guard,
    IAuditTrail audit,
    IOptions<ChoriaSigningOptions> options)
{
    private const string Operation = "SignChoriaRequest";

    private const string NoInputs = "{}";

    /// <summary>What is kept of a filter, or of inputs, in the audit.</summary>
    private const int ParameterMax = 4_000;

    /// <summary>Has the request signed, if it may be; the fault when it may not.</summary>
    /// <param name="proven">The request.</param>
    /// <param name="address">Where it came from.</param>
    /// <param name="sign">Signs it: called when it is recorded that it will be.</param>
    /// <param name="cancellationToken">Ends the wait for the decision and its record.</param>
    public async Task<SignatureFault?> UseAsync(
        ProvenRequest proven, string? address, Action sign, CancellationToken cancellationToken)
    {
        try
        {
            return await TryUseAsync(proven, address, sign, cancellationToken);
        }
        catch (AccessDeniedException denied)
        {
            return Fault(SignatureRefusal.Denied, denied.Message, proven);
        }
        catch (AuditUnavailableException unrecorded)
        {
            return Fault(SignatureRefusal.Unrecorded, unrecorded.Message, proven);
        }
        catch (Exception away) when (away is TimeoutException or OrleansException)
        {
            return Fault(SignatureRefusal.Unrecorded, "the register of tokens does not answer; try again", proven);
        }
    }

    /// <summary>Why nobody at an address is listened to now, which is recorded; null when they are.</summary>
    public async Task<SignatureFault?> FindLockAsync(string? address)
    {
        if (limits.LockOf(new SignInAttempt(address)) is not { } locked)
        {
            return null;
        }

        await audit.RecordFailedSignInAsync(CallerMethod.ChoriaToken, principal: null, address, locked.Detail);
        return new SignatureFault(SignatureRefusal.Limited, locked.Detail);
    }

    /// <summary>Counts and records that somebody asked whose token or key is not good.</summary>
    public async Task RecordUnprovenAsync(SignatureFault fault, string? address)
    {
        limits.Failed(new SignInAttempt(address)
        {
            Holder = fault.Unproven is { } stolen ? await callers.PrincipalOfAsync(stolen, options.Value.AcceptOtherTokens) : null,
        });
        await audit.RecordFailedSignInAsync(CallerMethod.ChoriaToken, fault.Caller, address, fault.Detail);
    }

    private async Task<SignatureFault?> TryUseAsync(
        ProvenRequest proven, string? address, Action sign, CancellationToken cancellationToken)
    {
        var admission = await callers.AdmitAsync(proven.Claims, options.Value.AcceptOtherTokens, UseOf(proven));
        if (admission is not TokenAdmission.Admitted { SignIn: var signIn })
        {
            var fault = Fault(SignatureRefusal.Token, ((TokenAdmission.Refused)admission).Reason, proven);
            await RecordUnprovenAsync(fault, address);
            return fault;
        }

        if (ChoriaCallers.CallerOrNull(signIn, proven.Claims, address) is not { } caller)
        {
            return Fault(SignatureRefusal.Token, "the token says more of its user than can be judged", proven);
        }

        if (await FindLimitAsync(caller) is { } limited)
        {
            return Fault(SignatureRefusal.Limited, limited, proven);
        }

        var request = RequestOf(proven);
        if (restrictions.FaultOf(proven.Claims, signIn.Origin, proven.Agent, proven.Action) is { } forbidden)
        {
            await audit.BeginAsync(caller, request, new AccessDecision(IsAllowed: false, forbidden, "users"), cancellationToken);
            return Fault(SignatureRefusal.Denied, forbidden, proven);
        }

        // Rules may hold for nodes of a kind, so each that the filter names is judged; a single one is named by the request already.
        var (judged, decision) = await policy.JudgeNodesAsync(
            caller, request, request.Node is null ? IdentitiesOf(proven) : [], cancellationToken);
        await guard.InvokeAsync(
            caller,
            judged,
            decision,
            () =>
            {
                sign();
                return Task.FromResult("signed");
            },
            cancellationToken);
        return null;
    }

    private async Task<string?> FindLimitAsync(Caller caller)
    {
        var refusal = limits.Take(caller);
        if (refusal is { IsLock: true })
        {
            await audit.RecordFailedSignInAsync(caller.Method, caller.Principal, caller.Address, refusal.Detail);
        }

        return refusal?.Detail;
    }

    private static TokenUse UseOf(ProvenRequest proven)
    {
        var request = proven.Request.Request;
        return new TokenUse(
            Convert.ToBase64String(SHA256.HashData(proven.Asked.Bytes.Span)),
            request.Time,
            request.Time + TimeSpan.FromSeconds(request.TimeToLiveSeconds));
    }

    private AccessRequest RequestOf(ProvenRequest proven)
    {
        var request = proven.Request.Request;
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["caller"] = request.Caller,
            ["request"] = request.Id,
            ["sender"] = request.Sender,
            ["filter"] = Cut(JsonSerializer.Serialize(request.Filter)),
            ["timeToLiveSeconds"] = $"{request.TimeToLiveSeconds}",
            ["inputsSha256"] = Convert.ToHexStringLower(SHA256.HashData(proven.Inputs.Span)),
        };
        var identities = IdentitiesOf(proven);
        if (options.Value.RecordInputs)
        {
            parameters["inputs"] = Cut(Encoding.UTF8.GetString(proven.Inputs.Span));
        }

        return new AccessRequest(Permissions.RequestsSign)
        {
            Agent = proven.Agent,
            Action = proven.Action,
            Collective = request.Collective,
            Node = identities is [var only] ? only : null,
            Targets = identities.Count > 0 ? identities.Count : null,
            Choria = new ChoriaRequestFacts(
                request.Sender,
                proven.Inputs.IsEmpty ? NoInputs : Encoding.UTF8.GetString(proven.Inputs.Span),
                TimeSpan.FromSeconds(request.TimeToLiveSeconds),
                request.Time),
            Operation = Operation,
            Parameters = parameters,
        };
    }

    private static string Cut(string text) =>
        text.Length <= ParameterMax ? text : $"{text[..ParameterMax]}… ({text.Length} characters)";

    // Nodes match any of the identities, so it is for no others, however few the rest of the filter leaves. A pattern names none: any
    // node may match it.
    private static IReadOnlyList<string> IdentitiesOf(ProvenRequest proven)
    {
        var named = proven.Request.Request.Filter.Identities;
        return named.Any(identity => identity.StartsWith('/')) ? [] : [.. named.Distinct(StringComparer.Ordinal)];
    }

    private static SignatureFault Fault(SignatureRefusal kind, string detail, ProvenRequest proven) =>
        new(kind, detail, proven.Claims.CallerId);
}
