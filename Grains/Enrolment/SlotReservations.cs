using System.Threading.Channels;
using Microsoft.Extensions.Hosting;

namespace ControlPlane.Enrolment;

/// <summary>Fetches turns for limited overlays: one call for all who ask while the one before is under way.</summary>
internal sealed class SlotReservations(IGrainFactory grains, Loops loops) : BackgroundService
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

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        loops.RunAsync("turns", TimeSpan.Zero, isDueAtOnce: true, AnswerNextAsync, stoppingToken);

    private async Task AnswerNextAsync(CancellationToken cancellationToken)
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
            var turns = await grains.GetGrain<IEnrolmentControlGrain>(overlay).ReserveSlots(asking.Length);
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
