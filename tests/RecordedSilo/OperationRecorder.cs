using ControlPlane.Chaos;

namespace ControlPlane.RecordedSilo;

/// <summary>Writes each checked call between grains down: when it begins, and how it ends.</summary>
internal sealed class OperationRecorder(OperationFile file, TimeProvider time) : IIncomingGrainCallFilter
{
    private long last;

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var interfaceName = context.InterfaceMethod.DeclaringType?.Name ?? "";
        var arguments = Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument).ToArray();
        if (OperationFacts.OfCall(interfaceName, context.InterfaceMethod.Name, arguments) is not { } asked)
        {
            await context.Invoke();
            return;
        }

        var begun = new Operation(
            time.GetUtcNow(),
            Environment.ProcessId,
            Interlocked.Increment(ref last),
            OperationPhase.Invoked,
            $"{interfaceName}.{context.InterfaceMethod.Name}",
            context.TargetId.Key.ToString() ?? "",
            asked);
        file.Write(begun);
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

    private void End(Operation begun, OperationPhase phase, IReadOnlyDictionary<string, string> came)
    {
        var facts = begun.Facts.Concat(came).ToDictionary(StringComparer.Ordinal);
        file.Write(begun with { At = time.GetUtcNow(), Phase = phase, Facts = facts });
    }
}
