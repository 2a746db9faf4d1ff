using System.Collections.Concurrent;
using Orleans.Streams;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What consumers were given, in order: the evidence that the tests of delivery are judged by.</summary>
public sealed class History
{
    private readonly ConcurrentQueue<Delivered> _delivered = [];

    public IReadOnlyCollection<Delivered> All => _delivered;

    /// <summary>What a consumer is to do with its events before it says that it had them.</summary>
    public Func<Delivered, Task> OnDelivery { get; set; } = _ => Task.CompletedTask;

    /// <summary>The token with which the consumer of a stream's key resumes; null for none.</summary>
    public Func<string, StreamSequenceToken?>? ResumeAt { get; set; }

    public ConcurrentQueue<Exception> Errors { get; } = [];

    public async Task AddAsync(Delivered delivered)
    {
        await OnDelivery(delivered);
        _delivered.Enqueue(delivered);
    }

    /// <summary>How many different events of a source were delivered.</summary>
    public int DistinctBodies(string source) => _delivered.Select(one => one.Event).Where(one => one.Source == source).Distinct().Count();

    /// <summary>
    /// Faults of a run in which each identity was sent the numbers 0 to <paramref name="count"/> − 1 by a source: what was lost,
    /// and what came out of order once a consumer has dropped, by number, what it had already had.
    /// </summary>
    public IReadOnlyList<string> Faults(IEnumerable<(string Source, string Identity)> sent, int count) => Faults(_delivered, sent, count);

    /// <inheritdoc cref="Faults(IEnumerable{ValueTuple{string, string}}, int)"/>
    public static IReadOnlyList<string> Faults(
        IEnumerable<Delivered> delivered, IEnumerable<(string Source, string Identity)> sent, int count)
    {
        var byIdentity = delivered.ToLookup(one => (one.Event.Source, one.Event.Identity), one => one.Event.Number);
        var faults = new List<string>();
        foreach (var key in sent)
        {
            var next = 0;
            foreach (var number in byIdentity[key])
            {
                if (number > next)
                {
                    faults.Add($"{key}: {number} came where {next} was due");
                    break;
                }

                next = Math.Max(next, number + 1);
            }

            if (next < count && faults.Count == 0)
            {
                faults.Add($"{key}: {count - next} lost from {next} on");
            }
        }

        return faults;
    }
}

/// <summary>One event as a consumer got it.</summary>
public sealed record Delivered(string Partition, TestEvent Event, long Position, string Silo);

[GenerateSerializer, Immutable, Alias("ControlPlane.Adapters.Tests.Nats.TestEvent")]
public sealed record TestEvent([property: Id(0)] string Source, [property: Id(1)] string Identity, [property: Id(2)] int Number);
