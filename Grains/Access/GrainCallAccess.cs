using System.Collections.Concurrent;
using System.Reflection;
using ControlPlane.Jobs;

namespace ControlPlane.Access;

/// <summary>
/// Guards every grain call. What a silo of this site sent bears its seal, and was judged where it entered. What came through the gateway
/// is authenticated by its token, judged and recorded here; without a token it is denied.
/// </summary>
internal sealed class GrainCallAccess(CallerSeal seal, ITokenAuthenticator tokens, AccessGuard guard)
    : IIncomingGrainCallFilter, IOutgoingGrainCallFilter
{
    private const string SealKey = "controlplane.caller";

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

        var required = Required.GetOrAdd(context.InterfaceMethod, method => method.GetCustomAttribute<RequiresAttribute>())
            ?? throw new AccessDeniedException($"{OperationOf(context)} is not part of what clients may call");
        var caller = RequestContext.Get(CallToken.Key) is string token
            ? await tokens.AuthenticateAsync(token, CancellationToken.None)
            : null;
        RequestContext.Remove(CallToken.Key);
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

    // A grain's own timers tick by a message to itself, past the filter of what goes out. None can come from elsewhere: its body is the
    // timer, which cannot be written into a message.
    private static bool IsTimer(IIncomingGrainCallContext context) =>
        context.InterfaceMethod.DeclaringType?.FullName == "Orleans.Runtime.IGrainTimerInvoker" && context.SourceId == context.TargetId;

    // A client asks the gateway which grains there are, and cancels what it called itself. Both tell and change nothing else.
    private static bool IsNeededToConnect(Type? contract) =>
        contract?.FullName is "Orleans.Runtime.IClusterManifestSystemTarget" or "Orleans.Runtime.IGrainCallCancellationExtension"
            or "Orleans.Runtime.ICancellationSourcesExtension";

    private static AccessRequest RequestOf(IIncomingGrainCallContext context, RequiresAttribute required)
    {
        var key = context.TargetId.Key.ToString();
        var arguments = Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument).ToList();
        var job = arguments.Select(given => given as JobSpec ?? (given as JobSchedule)?.Job).FirstOrDefault(spec => spec is not null);
        return new AccessRequest(required.Permission)
        {
            Node = required.On == AccessTarget.Node ? key : null,
            Overlay = required.On == AccessTarget.Overlay ? key : job?.Targets.Overlays is [var one] ? one : null,
            Plan = required.On == AccessTarget.Plan ? context.Request.GetArgument(0) as string : null,
            Agent = job?.Action.Agent,
            Action = job?.Action.Name,
            AlsoActions = job?.Action.StatusActions ?? [],
            Targets = job?.Targets.Max ?? (job?.Targets.Identities is { Count: > 0 } listed ? listed.Count : null),
            Reason = job?.Reason,
            Operation = OperationOf(context),
            Trace = System.Diagnostics.Activity.Current?.TraceId.ToString(),
            Parameters = CallParameters.Of(arguments),
        };
    }

    private static string OperationOf(IIncomingGrainCallContext context) => $"{context.InterfaceName}.{context.MethodName}";
}
