using System.Collections.Concurrent;
using System.Reflection;

namespace ControlPlane.Access;

/// <summary>
/// Guards every grain call. What a silo of this site sent bears its seal, and was judged where it entered. What came through the gateway
/// is authenticated by its token, judged and recorded here; without a token it is denied.
/// </summary>
internal sealed class GrainCallAccess(
    CallerSeal seal, ITokenAuthenticator tokens, AccessGuard guard, ICallLimits limits, IAuditTrail audit)
    : IIncomingGrainCallFilter, IOutgoingGrainCallFilter
{
    private const string SealKey = "controlplane.caller";

    // A version of the policy, for the record of a call that no policy was asked about.
    private const string Contracts = "contracts";

    private static readonly ConcurrentDictionary<MethodInfo, RequiresAttribute?> Required = new();

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        RequestContext.Set(SealKey, seal.Seal(CallerContext.Current));
        await context.Invoke();
    }

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var sender = RequestContext.Get(SealKey) is string sealedCaller ? seal.OpenOrNull(sealedCaller) : null;

        // The seal goes no further than it must: what a grain publishes carries its context to wherever streams are stored.
        RequestContext.Remove(SealKey);
        if ((sender ?? (IsTimer(context) ? Caller.System : null)) is not { } caller)
        {
            await InvokeForClientAsync(context);
            return;
        }

        CallerContext.Current = caller;
        await context.Invoke();
    }

    private async Task InvokeForClientAsync(IIncomingGrainCallContext context)
    {
        if (IsNeededToConnect(context.InterfaceMethod.DeclaringType))
        {
            await context.Invoke();
            return;
        }

        var caller = await AuthenticateAsync(context);
        var required = Required.GetOrAdd(context.InterfaceMethod, method => method.GetCustomAttribute<RequiresAttribute>());
        if (required is null)
        {
            throw await DenyAsync(context, caller);
        }

        if (caller is null)
        {
            throw new NotAuthenticatedException($"{OperationOf(context)} needs a token that is good; send one by {nameof(CallToken)}");
        }

        CallerContext.Current = caller;
        await guard.InvokeAsync(
            caller,
            RequestOf(context, required),
            async () =>
            {
                await context.Invoke();
                return "ok";
            },
            CancellationToken.None);
    }

    // Whatever becomes of the call, a token that is not good is counted and recorded, and so is that there is none.
    private async Task<Caller?> AuthenticateAsync(IIncomingGrainCallContext context)
    {
        var token = RequestContext.Get(CallToken.Key) as string;
        RequestContext.Remove(CallToken.Key);
        var attempt = new SignInAttempt(ClientOf(context));
        if (limits.LockOf(attempt) is { } locked)
        {
            await RecordFailureAsync(context, principal: null, locked.Detail);
            throw new TooManyCallsException(locked.Detail);
        }

        var holder = token is null ? null : await tokens.AuthenticateAsync(token, CancellationToken.None);
        if (holder is null)
        {
            if (token is not null)
            {
                limits.Failed(attempt);
            }

            await RecordFailureAsync(context, principal: null, token is null ? "no token came" : "the token is not good");
            return null;
        }

        // A client's own trace where it comes along, else a new one: what grains do for the call is recorded with it.
        var caller = holder with { Address = ClientOf(context), Trace = CallTrace.Current() };
        if (limits.Take(caller) is { } refusal)
        {
            await (refusal.IsLock ? RecordFailureAsync(context, caller.Principal, refusal.Detail) : Task.CompletedTask);
            throw new TooManyCallsException(refusal.Detail);
        }

        return caller;
    }

    private async Task<AccessDeniedException> DenyAsync(IIncomingGrainCallContext context, Caller? caller)
    {
        var denial = $"{OperationOf(context)} is not part of what clients may call";
        if (caller is not null)
        {
            var request = new AccessRequest(AccessRequest.NoPermission) { Operation = OperationOf(context) };
            await audit.BeginAsync(caller, request, new AccessDecision(IsAllowed: false, denial, Contracts), CancellationToken.None);
        }

        return new AccessDeniedException(denial);
    }

    private Task RecordFailureAsync(IIncomingGrainCallContext context, string? principal, string why) => audit.RecordFailedSignInAsync(
        CallerMethod.AccessToken, principal, ClientOf(context), $"{why}, for {OperationOf(context)}");

    // Orleans does not tell from which address a call came. The client's id stands for it: the client chooses it when it connects, so it
    // tells the calls of one client from those of another, and proves nothing.
    private static string ClientOf(IIncomingGrainCallContext context) => $"{context.SourceId}";

    // A grain's own timers tick by a message to itself, past the filter of what goes out. None can come from elsewhere: its body is the
    // timer, which cannot be written into a message.
    private static bool IsTimer(IIncomingGrainCallContext context) =>
        context.InterfaceMethod.DeclaringType?.FullName == "Orleans.Runtime.IGrainTimerInvoker" && context.SourceId == context.TargetId;

    // A client asks the gateway which grains there are, and cancels what it called itself. Both tell and change nothing else.
    private static bool IsNeededToConnect(Type? contract) =>
        contract?.FullName is "Orleans.Runtime.IClusterManifestSystemTarget" or "Orleans.Runtime.IGrainCallCancellationExtension"
            or "Orleans.Runtime.ICancellationSourcesExtension";

    private static AccessRequest RequestOf(IIncomingGrainCallContext context, RequiresAttribute required) => AccessRequests.OfGrain(
        context.InterfaceMethod,
        required,
        OperationOf(context),
        context.TargetId.Key.ToString(),
        [.. Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument)]);

    private static string OperationOf(IIncomingGrainCallContext context) => $"{context.InterfaceName}.{context.MethodName}";
}
