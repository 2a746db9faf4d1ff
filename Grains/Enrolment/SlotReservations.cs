using System.Threading.Channels;

namespace ControlPlane.Enrolment;

/// <summary>Fetches turns for limited overlays: one call for all who ask while the one before is under way.</summary>
internal sealed class SlotReservations(IGrainFactory grains)
{
    /// <summary>Who may ask at once: more than the highest number of enrolments that a silo can run.</summary>
    private const int AsksMax = 8192;

    private readonly Channel<Ask> asks = Channel.CreateBounded<Ask>(AsksMax);

    /// <summary>The next turn; null when the overlay is not limited any more.</summary>
    public async Task<EnrolmentSlot?> TakeAsync(string overlay, CancellationToken cancellationToken)
    {
        var ask = new Ask(overlay);
        await asks.Writer.WriteAsync(ask, cancellationToken);
        return await ask.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Waits until somebody asks, and answers all who do. One caller.</summary>
    public async Task AnswerNextAsync(CancellationToken cancellationToken)
    {
        var waiting = new List<Ask> { await asks.Reader.ReadAsync(cancellationToken) };
        while (waiting.Count < AsksMax && asks.Reader.TryRead(out var ask))
        {
            waiting.Add(ask);
        }

        await Task.WhenAll(waiting.GroupBy(ask => ask.Overlay, StringComparer.Ordinal).Select(of => AnswerAsync(of.Key, [.. of])));
    }

    private async Task AnswerAsync(string overlay, Ask[] asking)
    {
        try
        {
            var turns = await grains.GetGrain<IInternalEnrolmentControlGrain>(overlay).ReserveSlots(asking.Length);
            for (var turn = 0; turn < asking.Length; turn++)
            {
                asking[turn].TrySetResult(
                    turns is null
                        ? null
                        : new EnrolmentSlot(new ControlMark(overlay, turns.Version), turns.First + (turn * turns.Interval)));
            }
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: each of those who asked comes again in some seconds.
            foreach (var ask in asking)
            {
                ask.TrySetException(fault);
            }
        }
    }

    private sealed class Ask(string overlay) : TaskCompletionSource<EnrolmentSlot?>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public string Overlay { get; } = overlay;
    }
}
