using System.Diagnostics.Metrics;
using ControlPlane.Flow;

namespace ControlPlane.Jobs;

/// <summary>What jobs do, as metrics.</summary>
internal sealed class JobMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Jobs");
    private readonly Counter<long> submitted;
    private readonly Histogram<double> durations;
    private readonly Counter<long> dispatched;
    private readonly Counter<long> results;
    private readonly Counter<long> notifications;
    private readonly Counter<long> gateAnswers;

    public JobMeter()
    {
        submitted = meter.CreateCounter<long>("controlplane.jobs.submitted", "{job}", "Jobs that were submitted at this site.");
        durations = meter.CreateHistogram<double>(
            "controlplane.jobs.duration", "s", "From a job's start to its end, by the state it ended in.");
        dispatched = meter.CreateCounter<long>(
            "controlplane.jobs.dispatched", "{request}", "Requests that jobs sent to nodes, attempts after the first included.");
        results = meter.CreateCounter<long>("controlplane.jobs.results", "{result}", "What came of requests to nodes, by state.");
        notifications = meter.CreateCounter<long>(
            "controlplane.jobs.notifications", "{notification}", "Tries to tell others of events of jobs, by receiver and result.");
        gateAnswers = meter.CreateCounter<long>(
            "controlplane.jobs.gate_answers", "{answer}", "What web hooks of gates answered, by web hook and decision.");
    }

    public void Submitted() => submitted.Add(1);

    /// <param name="state">How it ended.</param>
    /// <param name="took">From its start; zero for one that never started.</param>
    public void Ended(JobState state, TimeSpan took) =>
        durations.Record(took.TotalSeconds, new KeyValuePair<string, object?>("state", state.ToString()));

    /// <summary>Tells of a gate how many parts of jobs are in it and wait for it.</summary>
    public void Watch(Gate sends)
    {
        meter.CreateObservableGauge(
            "controlplane.jobs.sends.running", () => sends.Load.Running, "{part}", "Parts of jobs that send now, on this silo.");
        meter.CreateObservableGauge(
            "controlplane.jobs.sends.waiting", () => sends.Load.Waiting, "{part}", "Parts of jobs that wait until they may send.");
    }

    public void Dispatched(int requests) => dispatched.Add(requests);

    public void Came(IEnumerable<JobResult> came)
    {
        foreach (var state in came.GroupBy(result => result.State))
        {
            results.Add(state.Count(), new KeyValuePair<string, object?>("state", state.Key.ToString()));
        }
    }

    /// <param name="receiver">NATS, or a web hook by its configured name.</param>
    /// <param name="result"><c>delivered</c>, <c>failed</c> or <c>givenUp</c>.</param>
    /// <param name="events">How many.</param>
    public void Told(string receiver, string result, int events) => notifications.Add(
        events, new KeyValuePair<string, object?>("receiver", receiver), new KeyValuePair<string, object?>("result", result));

    public void Asked(string hook, GateDecision? decision) => gateAnswers.Add(
        1,
        new KeyValuePair<string, object?>("receiver", hook),
        new KeyValuePair<string, object?>("decision", decision?.ToString() ?? "None"));

    public void Dispose() => meter.Dispose();
}
