namespace ControlPlane.Access;

/// <summary>
/// Bounds the records that whoever is not let in can cause, for each address and for all together, in each minute; what is beyond is
/// counted. Thread-safe.
/// </summary>
internal sealed class FloodLimit(int perAddress, int altogether, TimeProvider time)
{
    /// <summary>Addresses that are told apart in one minute; those that come later share one count.</summary>
    private const int AddressesMax = 1_000;

    /// <summary>Addresses whose omitted records are told apart: those with the most.</summary>
    private const int OmissionsMax = 20;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private Dictionary<string, long> recorded = new(StringComparer.Ordinal);
    private DateTimeOffset since = time.GetUtcNow();
    private long admitted;
    private long others;

    /// <summary>Whether one more of an address is recorded.</summary>
    public bool Admits(string? address)
    {
        var key = CallerNetwork.Of(address);
        lock (gate)
        {
            if (!counts.TryGetValue(key, out var count) && counts.Count >= AddressesMax)
            {
                others++;
                return false;
            }

            counts[key] = count + 1;
            if (count >= perAddress || admitted >= altogether)
            {
                return false;
            }

            admitted++;
            recorded[key] = recorded.GetValueOrDefault(key) + 1;
            return true;
        }
    }

    /// <summary>What was left out in the minute that is over; nothing while it goes on.</summary>
    public IReadOnlyList<AuditOmission> TakeOmitted()
    {
        lock (gate)
        {
            if (time.GetUtcNow() - since < Window)
            {
                return [];
            }

            var omitted = counts.Select(one => new AuditOmission(one.Key, one.Value - recorded.GetValueOrDefault(one.Key), since))
                .Where(one => one.Count > 0).OrderByDescending(one => one.Count).ToList();
            var rest = others + omitted.Skip(OmissionsMax).Sum(one => one.Count);
            IReadOnlyList<AuditOmission> told =
                [.. omitted.Take(OmissionsMax), .. rest > 0 ? [new AuditOmission(null, rest, since)] : Array.Empty<AuditOmission>()];
            (counts, recorded, since, admitted, others) = ([], [], time.GetUtcNow(), 0, 0);
            return told;
        }
    }
}
