namespace ControlPlane.History;

/// <summary>Writes each checked call to a grain into the history: when it begins, and how it ends.</summary>
internal sealed class OperationFilter(OperationLog log, TimeProvider time) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var interfaceName = context.InterfaceMethod.DeclaringType?.Name ?? "";
        var arguments = Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument).ToArray();
        if (OperationFacts.OfCall(interfaceName, context.InterfaceMethod.Name, arguments) is not { } asked)
        {
            await context.Invoke();
            return;
        }

        var begun = new OperationLine(
            time.GetUtcNow(),
            Environment.ProcessId,
            log.NextId(),
            OperationPhase.Invoked,
            $"{interfaceName}.{context.InterfaceMethod.Name}",
            context.TargetId.Key.ToString() ?? "",
            asked);
        log.Write(begun);
        try
        {
            await context.Invoke();
            End(begun, OperationPhase.Ok, OperationFacts.OfResult(context.Result));
        }
        catch (Exception fault)
        {
            // Cancelled or out of time: what it called may have happened all the same.
            var phase = fault is TimeoutException or OperationCanceledException ? OperationPhase.Unknown : OperationPhase.Failed;
            End(begun, phase, new Dictionary<string, string> { ["fault"] = fault.GetType().Name });
            throw;
        }
    }

    private void End(OperationLine begun, OperationPhase phase, IReadOnlyDictionary<string, string> came)
    {
        var facts = begun.Facts.Concat(came).ToDictionary(StringComparer.Ordinal);
        log.Write(begun with { At = time.GetUtcNow(), Phase = phase, Facts = facts });
    }
}
