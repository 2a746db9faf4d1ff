using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;

namespace ControlPlane.Placement;

/// <summary>The region's copy of one overlay, kept by asking it what changed; and the reservations that the region makes there.</summary>
/// <remarks>
/// One question at a time: what the overlay answers is applied in the order in which it was true. Reservations that come while one is
/// under way go together with the next. Runs in the turns of its grain, so it needs no lock.
/// </remarks>
/// <param name="entry">What the region knows of the overlay.</param>
/// <param name="history">The region.</param>
/// <param name="leadership">In whose name the overlay is asked.</param>
/// <param name="ask">Asks the overlay, here or over the link.</param>
internal sealed class OverlayCopy(
    OverlayEntry entry,
    StoredRegion history,
    RegionLeadership leadership,
    Func<LeaderEpoch, OverlayCall, Task<OverlayReply>> ask)
{
    /// <summary>Reservations that may wait for one overlay; beyond that callers are asked to come again.</summary>
    private const int WaitingMax = 100_000;

    /// <summary>Questions in a row without an answer after which the overlay counts as cut off: one may be lost on a busy broker.</summary>
    private const int SilencesMax = 3;

    private readonly Queue<Wanted> waiting = new();

    // Of whom a reservation is under way, and what the overlay said of them besides.
    private readonly Dictionary<string, PlacedNode?> asked = new(StringComparer.Ordinal);
    private PlacesCursor cursor = PlacesCursor.Start;
    private HashSet<string>? listed;
    private Task turn = Task.CompletedTask;
    private Task following = Task.CompletedTask;
    private bool isSending;
    private bool hasLeft;
    private bool isUncertain;
    private int silences;

    /// <summary>Told of each reservation that ended: whether its node failed to arrive.</summary>
    public Action<bool>? Ended { get; set; }

    public OverlayEntry Entry => entry;

    private RegionState Ledger => history.Ledger;

    /// <summary>
    /// Reserves the place that a node's <see cref="PlacedNode.Held"/> names. Until the overlay answers, it counts as reserved.
    /// </summary>
    /// <returns>Why there is none; null when there is.</returns>
    /// <exception cref="SiteUnreachableException">The overlay did not answer: it may hold the place, until the lease ends.</exception>
    /// <exception cref="NotRegionLeaderException">Another overlay leads the region.</exception>
    public Task<string?> ReserveAsync(PlacedNode node)
    {
        if (waiting.Count >= WaitingMax)
        {
            return Task.FromResult<string?>($"too many reservations wait for {entry.Name}");
        }

        var said = Ledger.ClaimOf(entry.Name, node.Identity);
        var wanted = new Wanted(leadership.Epoch, node with { Home = said?.Home, Decided = said?.Decided ?? default });
        asked.TryAdd(node.Identity, said);
        Ledger.Take(entry.Name, node.Identity, wanted.Node, isAsked: true);
        waiting.Enqueue(wanted);
        if (!isSending)
        {
            isSending = true;
            SendAsync().Ignore();
        }

        return wanted.Done.Task;
    }

    /// <summary>Gives back a place that was reserved for a plan and that its node has not taken.</summary>
    public async Task GiveBackAsync(string identity)
    {
        await AskAsync(() => new OverlayCall.GiveBack([identity]), _ => true);
        await FollowAsync();
    }

    /// <summary>Puts the overlay in another state.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public Task SetStateAsync(OverlayState state, string reason) =>
        AskAsync(() => new OverlayCall.SetState(state, reason), _ => true);

    /// <summary>Asks what changed since the last time; one who asks meanwhile waits for the same answer. Never fails.</summary>
    public Task FollowAsync() => following.IsCompleted ? following = FollowToEndAsync() : following;

    /// <summary>Forgets what the overlay said: somebody else follows it from now on.</summary>
    public void Leave()
    {
        (hasLeft, entry.IsListed) = (true, false);
        foreach (var identity in Ledger.ToldBy(entry.Name).ToArray())
        {
            Ledger.Take(entry.Name, identity, null);
        }
    }

    private async Task FollowToEndAsync()
    {
        try
        {
            while (!await AskAsync(
                () => new OverlayCall.List(isUncertain ? PlacesCursor.Start : cursor), answer => Apply(Of(answer.Listed))))
            {
            }

            // What was decided of it while it could not be asked.
            if (entry.Decided is (OverlayState.Retired, var reason))
            {
                await SetStateAsync(OverlayState.Retired, reason);
            }
        }
        catch (Exception away) when (away is SiteUnreachableException or NotRegionLeaderException or PlacementUnavailableException
            or TimeoutException or OrleansException)
        {
            // It is asked again in the next round.
        }
    }

    private bool Apply(PlacesPage page)
    {
        if (page.IsFirst)
        {
            (listed, isUncertain) = (new HashSet<string>(StringComparer.Ordinal), false);
        }

        foreach (var node in page.Nodes)
        {
            listed?.Add(node.Identity);
            Take(node.Identity, node);
        }

        foreach (var identity in page.Left)
        {
            Take(identity, null);
        }

        cursor = page.Next;
        if (page.IsLast && listed is not null)
        {
            foreach (var gone in Ledger.ToldBy(entry.Name).Where(identity => !listed.Contains(identity)).ToArray())
            {
                Take(gone, null);
            }

            (listed, entry.IsListed) = (null, true);
        }

        return page.IsLast;
    }

    // A reservation that is under way is not in what the overlay said before it: its own answer says what came of it.
    private void Take(string identity, PlacedNode? told)
    {
        if (asked.ContainsKey(identity))
        {
            asked[identity] = told;
        }
        else if (Ledger.Take(entry.Name, identity, told) is { } hasFailed)
        {
            Ended?.Invoke(hasFailed);
        }
    }

    private async Task SendAsync()
    {
        // The calls that are queued behind this one get to add theirs first.
        await Task.Yield();
        while (waiting.Count > 0)
        {
            var batch = new List<Wanted>();
            try
            {
                await AskAsync(() => Next(batch), answer => Apply(batch, Of(answer.Reserved)));
            }
            catch (NotRegionLeaderException refused)
            {
                batch.ForEach(wanted => Undo(wanted, refused));
            }
            catch (Exception away)
            {
                // It may hold the places: they count until it lists what it holds. Whoever asked decides what follows from it.
                isUncertain = true;
                foreach (var wanted in batch)
                {
                    asked.Remove(wanted.Node.Identity);
                    wanted.Done.TrySetException(away);
                }
            }
        }

        isSending = false;
    }

    private OverlayCall.Reserve Next(List<Wanted> batch)
    {
        var room = OverlayCall.TextMax;
        while (batch.Count < OverlayCall.NodesMax && room > 0 && waiting.TryDequeue(out var wanted))
        {
            room -= wanted.Node.Attributes.Length;

            // What was chosen in one epoch is not asked in the name of the next: its leader may have chosen otherwise.
            if (wanted.By == leadership.Epoch)
            {
                batch.Add(wanted);
            }
            else
            {
                Undo(wanted, new NotRegionLeaderException($"{leadership.Epoch.Name} leads the region by now"));
            }
        }

        return new OverlayCall.Reserve([.. batch.Select(wanted => wanted.Node)]);
    }

    private bool Apply(List<Wanted> batch, IReadOnlyList<ReservationVerdict> verdicts)
    {
        if (verdicts.Count != batch.Count)
        {
            throw new SiteUnreachableException($"{entry.Name} answered something else");
        }

        for (var i = 0; i < batch.Count; i++)
        {
            asked.Remove(batch[i].Node.Identity);
            Ledger.Take(entry.Name, batch[i].Node.Identity, verdicts[i].Node);
            batch[i].Done.TrySetResult(verdicts[i].Refusal);
        }

        return true;
    }

    private void Undo(Wanted wanted, Exception why)
    {
        if (asked.Remove(wanted.Node.Identity, out var said) && !hasLeft)
        {
            Ledger.Take(entry.Name, wanted.Node.Identity, said);
        }

        wanted.Done.TrySetException(why);
    }

    private T Of<T>(T? part)
        where T : class => part ?? throw new SiteUnreachableException($"{entry.Name} answered something else");

    private async Task<T> AskAsync<T>(Func<OverlayCall> call, Func<OverlayReply, T> apply)
    {
        var (before, mine) = (turn, new TaskCompletionSource());
        turn = mine.Task;
        await before;
        try
        {
            var (leader, question) = (leadership.Epoch, call());
            var answer = hasLeft ? null : await ask(leader, question);
            if (answer is not null && answer.Leader != leader)
            {
                await leadership.HearAsync(answer.Leader);
            }

            if (answer?.Leader != leader || hasLeft)
            {
                throw new NotRegionLeaderException($"{leadership.Epoch.Name} leads the region since epoch {leadership.Epoch.Epoch}");
            }

            (silences, entry.IsReachable) = (0, true);
            if (entry.Decided.State != OverlayState.Retired && entry.Decided != (answer.Header.State, answer.Header.Reason))
            {
                _ = history.Record(new PlacementChange.OverlaySet(entry.Name, answer.Header.State, answer.Header.Reason));
            }

            return apply(answer);
        }
        catch (Exception away) when (away is SiteUnreachableException or PlacementUnavailableException or TimeoutException
            or OrleansException)
        {
            entry.IsReachable = ++silences < SilencesMax;
            throw;
        }
        finally
        {
            mine.SetResult();
        }
    }

    private sealed record Wanted(LeaderEpoch By, PlacedNode Node)
    {
        public TaskCompletionSource<string?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
