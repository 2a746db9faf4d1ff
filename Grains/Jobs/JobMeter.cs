using System.Diagnostics.Metrics;

namespace ControlPlane.Jobs;

/// <summary>What jobs do, as metrics.</summary>
internal sealed class JobMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Jobs");
    private readonly Counter<long> submitted;
    private readonly Counter<long> ended;
    private readonly Counter<long> dispatched;
    private readonly Counter<long> results;

    public JobMeter()
    {
        submitted = meter.CreateCounter<long>("controlplane.jobs.submitted", "{job}", "Jobs that were submitted at this site.");
        ended = meter.CreateCounter<long>("controlplane.jobs.ended", "{job}", "Jobs that ended, by state.");
        dispatched = meter.CreateCounter<long>(
            "controlplane.jobs.dispatched", "{request}", "Requests that jobs sent to nodes, attempts after the first included.");
        results = meter.CreateCounter<long>("controlplane.jobs.results", "{result}", "What came of requests to nodes, by state.");
    }

    public void Submitted() => submitted.Add(1);

    public void Ended(JobState state) => ended.Add(1, new KeyValuePair<string, object?>("state", state.ToString()));

    public void Dispatched(int requests) => dispatched.Add(requests);

    public void Came(IEnumerable<JobResult> came)
    {
        foreach (var state in came.GroupBy(result => result.State))
        {
            results.Add(state.Count(), new KeyValuePair<string, object?>("state", state.Key.ToString()));
        }
    }

    public void Dispose() => meter.Dispose();
}
