using ControlPlane.Flow;

namespace ControlPlane.Enrolment;

/// <summary>Nodes of one overlay that are on their way: let go to be configured, and not arrived. Thread-safe.</summary>
/// <remarks>
/// A node that is configured with what its overlay does not take is on no network any more, and only a visit brings it back. So the next
/// ones wait here until enough of those before them have arrived. Soft: a silo that dies takes its window along, and misses nobody.
/// </remarks>
/// <param name="placesMin">How many may be on their way while nothing is known.</param>
/// <param name="placesMax">The most.</param>
/// <param name="deadline">How long after its restart a node is awaited.</param>
/// <param name="time">The clock.</param>
internal sealed class ArrivalWindow(int placesMin, int placesMax, TimeSpan deadline, TimeProvider time) : IDisposable
{
    /// <summary>
    /// Nobody has told what became of a node: its grain has moved, or its network was not there to be asked. Longer than it takes to look
    /// for a node.
    /// </summary>
    private static readonly TimeSpan Unknown = TimeSpan.FromMinutes(2);

    /// <summary>The deadline is kept by the time of day, and checked by a clock that nobody sets.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, (IDisposable Place, long Since)> underWay = new(StringComparer.Ordinal);
    private readonly Gate places = new(EnrolmentGate.Bounds("being configured", placesMin), time);
    private ArrivalLimit limit = new(placesMin);

    public GateLoad Load => places.Load;

    /// <summary>Whether the node has its place.</summary>
    public bool Holds(string identity)
    {
        lock (gate)
        {
            return underWay.ContainsKey(identity);
        }
    }

    /// <summary>Waits for a place, which the node holds until it is known what became of it.</summary>
    public async Task EnterAsync(string group, string identity, DateTimeOffset waitingSince, CancellationToken cancellationToken)
    {
        var place = (await places.EnterAsync(new GateTicket(group, waitingSince), cancellationToken)).Place;
        lock (gate)
        {
            if (!underWay.TryAdd(identity, (place, time.GetTimestamp())))
            {
                place.Dispose();
            }
        }
    }

    /// <summary>It was configured and restarts: from now on it is awaited.</summary>
    public void Restarted(string identity)
    {
        lock (gate)
        {
            if (underWay.TryGetValue(identity, out var one))
            {
                underWay[identity] = one with { Since = time.GetTimestamp() };
            }
        }
    }

    /// <summary>It has arrived.</summary>
    /// <returns>False when it was not on its way from here, or that was said before.</returns>
    public bool Arrived(string identity)
    {
        lock (gate)
        {
            var isFull = places.Load is { Running: var running, Limit: var limited } && running >= limited;
            if (!underWay.Remove(identity, out var one))
            {
                return false;
            }

            limit = limit.AfterArrival(isFull, placesMax);
            Free_NeedsGate(one.Place);
            return true;
        }
    }

    /// <summary>It was looked for and is on no network.</summary>
    /// <param name="identity">The node.</param>
    /// <param name="heardFor">For how long the networks that it can be on were heard without a break.</param>
    /// <returns>Whether that counts: once, and only when the node had all its time and would have been heard.</returns>
    public bool Missed(string identity, TimeSpan heardFor)
    {
        lock (gate)
        {
            if (!underWay.TryGetValue(identity, out var one)
                || time.GetElapsedTime(one.Since) + ClockTolerance < deadline
                || heardFor < deadline)
            {
                return false;
            }

            underWay.Remove(identity);
            limit = limit.AfterMiss();
            Free_NeedsGate(one.Place);
            return true;
        }
    }

    /// <summary>It is not on its way any more, which says nothing of the overlay.</summary>
    public void Leave(string identity)
    {
        lock (gate)
        {
            if (underWay.Remove(identity, out var one))
            {
                Free_NeedsGate(one.Place);
            }
        }
    }

    /// <summary>Forgets nodes of which nobody has told what became of them.</summary>
    public void Tend()
    {
        lock (gate)
        {
            foreach (var (identity, one) in underWay.Where(one => time.GetElapsedTime(one.Value.Since) > deadline + Unknown).ToList())
            {
                underWay.Remove(identity);
                Free_NeedsGate(one.Place);
            }
        }
    }

    public void Dispose() => places.Dispose();

    // The limit first: the place that becomes free may be one that there is no more.
    private void Free_NeedsGate(IDisposable place)
    {
        places.LimitTo(limit.Places);
        place.Dispose();
        if (places.Load.Running == 0)
        {
            limit = limit.AfterIdling(placesMin);
            places.LimitTo(limit.Places);
        }
    }
}
