using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ControlPlane.Flow;

namespace ControlPlane.Certificates;

/// <summary>What is measured of issuance. Tags: <c>issuer</c> and <c>outcome</c>, both closed sets.</summary>
internal sealed class CertificatesMeter : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> orders;
    private readonly Histogram<double> durations;
    private readonly Histogram<double> waits;
    private readonly Counter<long> factored;
    private readonly ConcurrentDictionary<string, int> orphans = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> unpublished = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, GuardedIssuer> issuers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<LedgerState, long>> counts = new(StringComparer.Ordinal);

    public CertificatesMeter(IMeterFactory factory)
    {
        meter = factory.Create("ControlPlane.Certificates");
        orders = meter.CreateCounter<long>("controlplane.certificates.orders", "{order}", "Orders answered, by outcome");
        durations = meter.CreateHistogram<double>("controlplane.certificates.order.duration", "s", "Time from order to answer");
        waits = meter.CreateHistogram<double>("controlplane.certificates.queue.duration", "s", "Time that orders waited for their turn");
        factored = meter.CreateCounter<long>(
            "controlplane.certificates.keys.factored", "{key}", "Certified keys found to share a prime with another");
        meter.CreateObservableGauge(
            "controlplane.certificates.orphans",
            () => orphans.Select(pair => new Measurement<int>(pair.Value, new KeyValuePair<string, object?>("issuer", pair.Key))),
            "{certificate}",
            "Certificates that the CA lists and the ledger does not know");
        meter.CreateObservableGauge(
            "controlplane.certificates.ledger.unpublished",
            () => unpublished.Select(pair => new Measurement<long>(pair.Value, new KeyValuePair<string, object?>("issuer", pair.Key))),
            "{record}",
            "Records of the ledger's history that wait for the log");
        meter.CreateObservableGauge(
            "controlplane.certificates.queue.waiting",
            () => Observe(guarded => guarded.Load.Waiting),
            "{order}",
            "Orders that wait for their turn");
        meter.CreateObservableGauge(
            "controlplane.certificates.queue.running",
            () => Observe(guarded => guarded.Load.Running),
            "{order}",
            "Orders that are with the issuer");
        meter.CreateObservableGauge(
            "controlplane.certificates.issuer.failing",
            () => Observe(guarded => guarded.IsFailing ? 1 : 0),
            "1",
            "1 while the issuer fails, or says that it cannot issue");
        meter.CreateObservableGauge("controlplane.certificates.ledger.entries", Observe, "{order}", "Orders in the ledger, by state");
    }

    /// <summary>An order was answered.</summary>
    public void Answered(string issuer, IssuanceOutcome outcome, TimeSpan duration)
    {
        var tags = new TagList { { "issuer", issuer }, { "outcome", NameOf(outcome) } };
        orders.Add(1, tags);
        durations.Record(duration.TotalSeconds, tags);
    }

    /// <summary>An order's turn came, or it was told to come again.</summary>
    public void Waited(string issuer, GateVerdict verdict, TimeSpan wait) => waits.Record(
        wait.TotalSeconds,
        new TagList { { "issuer", issuer }, { "outcome", verdict is GateVerdict.Admitted ? "admitted" : "deferred" } });

    /// <summary>An audit found so many certificates that the ledger does not know.</summary>
    public void Orphaned(string issuer, int count) => orphans[issuer] = count;

    /// <summary>So many records of the history wait for the log.</summary>
    public void Unpublished(string issuer, long count) => unpublished[issuer] = count;

    /// <summary>An audit found so many keys that share a prime.</summary>
    public void Factored(string issuer, int count) => factored.Add(count, new KeyValuePair<string, object?>("issuer", issuer));

    /// <summary>Shows from now on how many orders an issuer has.</summary>
    public void Watch(GuardedIssuer guarded) => issuers[guarded.Name] = guarded;

    /// <summary>How many orders are in each state; the last count stands until the next.</summary>
    public void Count(string issuer, IReadOnlyDictionary<LedgerState, long> states) => counts[issuer] = states;

    public void Dispose() => meter.Dispose();

    private IEnumerable<Measurement<long>> Observe() => counts.SelectMany(issuer => Enum.GetValues<LedgerState>().Select(state =>
        new Measurement<long>(
            issuer.Value.GetValueOrDefault(state),
            new KeyValuePair<string, object?>("issuer", issuer.Key),
            new KeyValuePair<string, object?>("state", state.ToString()))));

    private IEnumerable<Measurement<int>> Observe(Func<GuardedIssuer, int> count) => issuers.Values.Select(guarded =>
        new Measurement<int>(count(guarded), new KeyValuePair<string, object?>("issuer", guarded.Name)));

    private static string NameOf(IssuanceOutcome outcome) => outcome switch
    {
        IssuanceOutcome.Issued => "issued",
        IssuanceOutcome.Deferred => "deferred",
        IssuanceOutcome.Refused => "refused",
        IssuanceOutcome.Spent => "spent",
        _ => throw new UnreachableException(),
    };
}
