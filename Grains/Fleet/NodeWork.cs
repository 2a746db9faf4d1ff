using System.Diagnostics;
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>What a slice does about one node until it rests: one step after the other, with the waiting that is between them.</summary>
/// <remarks>
/// Waiting costs an entry in a queue and no call. News that comes meanwhile is kept here and goes along with the next step; it ends the
/// waiting, and a call whose answer would be of no use any more. Belongs to one slice and runs on its turns.
/// </remarks>
/// <param name="due">How the slice knows the node.</param>
/// <param name="node">Its grain.</param>
/// <param name="gate">Where places are.</param>
/// <param name="calls">Bounds the calls of a slice that no place bounds.</param>
/// <param name="time">The clock.</param>
internal sealed class NodeWork(RosterEntry due, IInternalNodeGrain node, EnrolmentGate gate, SemaphoreSlim calls, TimeProvider time)
{
    /// <summary>More steps than any enrolment takes without news: a decision that loops is a bug, and must not hold the silo.</summary>
    private const int StepsMax = 60;

    private readonly List<TaskCompletionSource> tellers = [];
    // The start that its enrolment goes by: the slice's record outlives the silo that heard it.
    private NodeNews begun = due.Stage == NodeStage.Discovered
        ? new NodeNews(StartedAt: due.Since, Reception: due.Reception)
        : NodeNews.None;
    private NodeNews news = NodeNews.None;
    private StepOutcome? last;
    private IDisposable? probe;
    private IDisposable? place;
    private int steps;

    /// <summary>Ends the waiting, or the call, that is under way.</summary>
    private CancellationTokenSource? cut;
    private bool isCalling;

    /// <summary>The entry that it began with: what is stored of the node until it rests.</summary>
    public RosterEntry Due => due;

    /// <summary>Tells news; when it returns, the node has acted on it, or the news has changed nothing.</summary>
    public async Task Tell(NodeNews told)
    {
        var acted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tellers.Add(acted);
        (news, steps) = (news.With(told), 0);
        if (cut is { } underWay && (!isCalling || await node.IsCutShortBy(told)) && underWay == cut)
        {
            await underWay.CancelAsync();
        }

        await acted.Task;
    }

    /// <summary>Something else may follow now than what is waited for.</summary>
    public void StopWaiting()
    {
        if (!isCalling)
        {
            cut?.CancelAsync().Ignore();
        }
    }

    /// <summary>Goes on until the node rests.</summary>
    /// <param name="ended">
    /// Called at once when it does, with how it stands; with null when that failed. What is told afterwards is not heard here.
    /// </param>
    /// <param name="leaving">Ends it, and nothing is called.</param>
    public async Task Run(Action<RosterEntry?> ended, CancellationToken leaving)
    {
        try
        {
            while (steps++ < StepsMax)
            {
                using var round = CancellationTokenSource.CreateLinkedTokenSource(leaving);
                cut = round;
                try
                {
                    await Wait(round.Token);
                    last = await TakeStep(round.Token);
                }
                catch (OperationCanceledException) when (round.IsCancellationRequested && !leaving.IsCancellationRequested)
                {
                    LeaveWay();
                    (last, place) = (null, Leave(place));
                }
                finally
                {
                    (cut, probe) = (null, Leave(probe));
                }

                if (last is { IsAtRest: true } && tellers.Count == 0)
                {
                    ended(last.Entry);
                    return;
                }
            }

            throw new UnreachableException($"the enrolment of {due.Identity} does not come to rest at {last?.Entry.Stage}");
        }
        catch (Exception fault)
        {
            tellers.ForEach(teller => teller.TrySetException(fault));
            if (!leaving.IsCancellationRequested)
            {
                ended(null);
            }

            throw;
        }
        finally
        {
            LeaveWay();
            Leave(place);
        }
    }

    // For what the next step needs, as far as that is known: with news it may be another.
    private async Task Wait(CancellationToken cancellationToken)
    {
        if (last is not { IsAtRest: false } next || tellers.Count > 0)
        {
            return;
        }

        var (entry, overlay) = (next.Entry, next.Entry.Overlay ?? "");
        if (next.WaitUntil is { } until)
        {
            // Not before: timers count in whole milliseconds and leave the rest out.
            var wait = until - time.GetUtcNow() + TimeSpan.FromMilliseconds(1);
            await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, cancellationToken);
        }

        if (next.Needs.HasFlag(Places.Arrival) && !gate.Arrivals.Holds(overlay, entry.Identity))
        {
            var entering = gate.Arrivals.EnterAsync(overlay, next.Group, entry.Identity, entry.Since, cancellationToken);
            if (!entering.IsCompleted)
            {
                // Others need the place, and those that go elsewhere need not wait for this overlay.
                place = Leave(place);
            }

            await entering;
        }

        if (next.Needs.HasFlag(Places.Enrolment))
        {
            place ??= await gate.EnterAsync(next.Group, entry.Since, cancellationToken);
        }

        if (next.Needs.HasFlag(Places.Probe))
        {
            probe = await gate.EnterProbeAsync(entry.Since, cancellationToken);
        }
    }

    private async Task<StepOutcome> TakeStep(CancellationToken cancellationToken)
    {
        var held = (probe is null ? Places.None : Places.Probe)
            | (place is null ? Places.None : Places.Enrolment)
            | (gate.Arrivals.Holds(last?.Entry.Overlay ?? "", due.Identity) ? Places.Arrival : Places.None);
        if (held == Places.None)
        {
            await calls.WaitAsync(cancellationToken);
        }

        var told = news;
        var hearing = tellers.ToArray();
        (news, isCalling) = (NodeNews.None, true);
        try
        {
            // What the slice has stored goes along each time: the node may have lost what it has not.
            var outcome = await node.TakeStep(
                begun.With(told), due.Since, held, cancellationToken);
            gate.Record(outcome);
            news = outcome.News.With(news);
            begun = outcome.IsAtRest
                ? NodeNews.None
                : new NodeNews(StartedAt: outcome.Entry.Since, Reception: outcome.Entry.Reception);
            tellers.RemoveRange(0, hearing.Length);
            Array.ForEach(hearing, teller => teller.TrySetResult());
            return outcome;
        }
        catch
        {
            news = told.With(news);
            throw;
        }
        finally
        {
            isCalling = false;
            if (held == Places.None)
            {
                calls.Release();
            }
        }
    }

    // Who is not on its way any more, or has not gone, leaves its place to others.
    private void LeaveWay()
    {
        if (last is { IsOnItsWay: false, Entry: { Overlay: { } overlay, Identity: var identity } })
        {
            gate.Arrivals.Leave(overlay, identity);
        }
    }

    private static IDisposable? Leave(IDisposable? held)
    {
        held?.Dispose();
        return null;
    }
}
