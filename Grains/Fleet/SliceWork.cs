using ControlPlane.Enrolment;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Fleet;

/// <summary>The nodes of a slice that are worked on: each until it rests, side by side, and none holds the slice.</summary>
/// <remarks>Belongs to one slice and runs on its turns.</remarks>
internal sealed partial class SliceWork(
    SliceRoster roster, EnrolmentGate gate, IGrainFactory grains, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>Nodes of this slice that are called at once without a place of the silo's gate, which bounds the other calls.</summary>
    private const int CallsMax = 64;

    /// <summary>
    /// After a call that failed for a reason of ours (a silo died, Redis was away) the node is due again after this long.
    /// </summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, NodeWork> working = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim calls = new(CallsMax);
    private readonly CancellationTokenSource leaving = new();
    private ControlMark seenControls = EnrolmentControls.Open.MarkOf(ControlMark.AnyOverlay);

    /// <summary>Ends what is done for the slice.</summary>
    public CancellationToken Leaving => leaving.Token;

    public bool IsWorkedOn(string identity) => working.ContainsKey(identity);

    /// <summary>Begins with those who are due, or for whom the controls have changed.</summary>
    public void Tick()
    {
        // Before the controls were read nothing is known to have changed.
        if (gate.AreControlsKnown)
        {
            roster.Unpark(gate.Controls);
        }

        if (gate.Controls.HasChangedSince(seenControls))
        {
            // Whoever waits for a place may have to wait for something else now.
            seenControls = gate.Controls.MarkOf(ControlMark.AnyOverlay);
            foreach (var work in working.Values)
            {
                work.StopWaiting();
            }
        }

        CallDue();
    }

    /// <summary>How the node stands was recorded: something else may follow now.</summary>
    public void Recorded(string identity)
    {
        working.GetValueOrDefault(identity)?.StopWaiting();
        CallDue();
    }

    public void CallDue()
    {
        var now = time.GetUtcNow();
        while (roster.Nodes.TakeDue(now) is { } entry)
        {
            Work(Begin(entry)).Ignore();
        }
    }

    /// <summary>Tells a node news. When it returns, the node has acted on it.</summary>
    public async Task TellAsync(string identity, NodeNews news)
    {
        if (working.TryGetValue(identity, out var work))
        {
            await work.Tell(news);
        }
        else if (roster.Take(identity) is { } entry)
        {
            work = Begin(entry);
            var acted = work.Tell(news);
            Work(work).Ignore();
            await acted;
        }
    }

    public Task LeaveAsync() => leaving.CancelAsync();

    public void Dispose()
    {
        leaving.Dispose();
        calls.Dispose();
    }

    private NodeWork Begin(RosterEntry entry)
    {
        var node = grains.GetGrain<IInternalNodeGrain>(entry.Identity);
        return working[entry.Identity] = new NodeWork(entry, node, gate, calls, time);
    }

    private async Task Work(NodeWork work)
    {
        try
        {
            await work.Run(after => End(work, after), leaving.Token);
        }
        catch (Exception) when (leaving.IsCancellationRequested)
        {
            // The stored entry is still due, and the next activation goes on.
            return;
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: whatever happened to this node, the others are due too.
            LogBrokeOff(work.Due.Identity, fault);
        }

        CallDue();
    }

    private void End(NodeWork work, RosterEntry? after)
    {
        working.Remove(work.Due.Identity);
        roster.Returned(after ?? work.Due with { DueAt = time.GetUtcNow() + RetryDelay });
    }

    [LoggerMessage(LogLevel.Warning, "The enrolment of {Node} broke off and will be continued")]
    private partial void LogBrokeOff(string node, Exception fault);
}
