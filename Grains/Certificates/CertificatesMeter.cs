using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ControlPlane.Certificates;

/// <summary>What is measured of issuance. Tags: <c>issuer</c> and <c>outcome</c>, both closed sets.</summary>
internal sealed class CertificatesMeter : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> orders;
    private readonly Histogram<double> durations;
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<LedgerState, long>> counts = new(StringComparer.Ordinal);

    public CertificatesMeter(IMeterFactory factory)
    {
        meter = factory.Create("ControlPlane.Certificates");
        orders = meter.CreateCounter<long>("controlplane.certificates.orders", "{order}", "Orders answered, by outcome");
        durations = meter.CreateHistogram<double>("controlplane.certificates.order.duration", "s", "Time from order to answer");
        meter.CreateObservableGauge("controlplane.certificates.ledger.entries", Observe, "{order}", "Orders in the ledger, by state");
    }

    /// <summary>An order was answered.</summary>
    public void Answered(string issuer, IssuanceOutcome outcome, TimeSpan duration)
    {
        var tags = new TagList { { "issuer", issuer }, { "outcome", NameOf(outcome) } };
        orders.Add(1, tags);
        durations.Record(duration.TotalSeconds, tags);
    }

    /// <summary>How many orders are in each state; the last count stands until the next.</summary>
    public void Count(string issuer, IReadOnlyDictionary<LedgerState, long> states) => counts[issuer] = states;

    public void Dispose() => meter.Dispose();

    private IEnumerable<Measurement<long>> Observe() => counts.SelectMany(issuer => Enum.GetValues<LedgerState>().Select(state =>
        new Measurement<long>(
            issuer.Value.GetValueOrDefault(state),
            new KeyValuePair<string, object?>("issuer", issuer.Key),
            new KeyValuePair<string, object?>("state", state.ToString()))));

    private static string NameOf(IssuanceOutcome outcome) => outcome switch
    {
        IssuanceOutcome.Issued => "issued",
        IssuanceOutcome.Deferred => "deferred",
        IssuanceOutcome.Refused => "refused",
        IssuanceOutcome.Spent => "spent",
        _ => throw new UnreachableException(),
    };
}
