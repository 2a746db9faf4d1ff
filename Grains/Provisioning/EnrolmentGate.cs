using Microsoft.Extensions.Options;

namespace ControlPlane.Provisioning;

/// <summary>Bounds how many enrolments a silo runs at once, the longest waiting first.</summary>
/// <remarks>
/// Two lanes, so that dead nodes cost no throughput: a node waits in the probe lane until it has answered once, and only then takes a
/// place among those that run. Waiting costs one queue entry. Thread-safe: grains of one silo share it.
/// </remarks>
internal sealed class EnrolmentGate(IOptions<ProvisioningOptions> options)
{
    private readonly Lane probes = new(options.Value.ProbesMax);
    private readonly Lane enrolments = new(options.Value.EnrolmentsMax);

    /// <summary>Enrolments that run now, and those that wait to.</summary>
    public (int Running, int Waiting) Enrolments => enrolments.Load;

    public Task<IDisposable> EnterProbeAsync(DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        probes.EnterAsync(waitingSince, cancellationToken);

    public Task<IDisposable> EnterAsync(DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        enrolments.EnterAsync(waitingSince, cancellationToken);

    private sealed class Lane
    {
        private readonly int places;
        private readonly Lock guard = new();
        private readonly PriorityQueue<TaskCompletionSource<IDisposable>, DateTimeOffset> waiting = new();
        private int free;

        public Lane(int places) => this.places = free = places;

        public (int Running, int Waiting) Load
        {
            get
            {
                lock (guard)
                {
                    return (places - free, waiting.Count);
                }
            }
        }

        public async Task<IDisposable> EnterAsync(DateTimeOffset waitingSince, CancellationToken cancellationToken)
        {
            TaskCompletionSource<IDisposable> turn;
            lock (guard)
            {
                if (free > 0)
                {
                    free--;
                    return new Place(this);
                }

                turn = new TaskCompletionSource<IDisposable>(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting.Enqueue(turn, waitingSince);
            }

            await using var registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
            return await turn.Task;
        }

        private void Leave()
        {
            lock (guard)
            {
                // One who gave up waiting has completed its turn already; the next one takes the place.
                while (waiting.TryDequeue(out var turn, out _))
                {
                    if (turn.TrySetResult(new Place(this)))
                    {
                        return;
                    }
                }

                free++;
            }
        }

        private sealed class Place(Lane lane) : IDisposable
        {
            private Lane? held = lane;

            public void Dispose() => Interlocked.Exchange(ref held, null)?.Leave();
        }
    }
}
