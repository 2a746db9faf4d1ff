using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary>Follows a job for a command: a line that is written anew on a terminal, or a line for each state otherwise.</summary>
internal sealed class JobFollower(ClientCall call)
{
    private const int BarCharacters = 40;

    // A job of many nodes changes with each reply.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private JobState? told;
    private int written;

    /// <summary>Ends when the job has ended.</summary>
    public async Task<JobView> ToEndAsync(JobView job, CancellationToken cancellationToken)
    {
        var path = $"v1/jobs/{Uri.EscapeDataString(job.Id)}?wait=25s&after=";
        Tell(job);
        while (!JobView.IsEnded(job.State))
        {
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            job = await call.Api.GetAsync<JobView>(path + job.Version, cancellationToken);
            Tell(job);
        }

        Clear();
        return job;
    }

    /// <summary>
    /// Whether every target did what was asked, or was left out on purpose; not when those of an overlay are not known, or a node that was
    /// named is not there.
    /// </summary>
    public static bool IsGood(JobView job) => job is { State: JobState.Completed, Counts.Cancelled: 0, NotFound: 0 }
        && job.Counts.Bad() == 0 && !job.Overlays.Any(one => one.IsLeftOut);

    private TextWriter Error => call.Arguments.InvocationConfiguration.Error;

    private bool IsTerminal => ReferenceEquals(Error, System.Console.Error) && !System.Console.IsErrorRedirected;

    private void Tell(JobView job)
    {
        var isNews = told != job.State;
        told = job.State;
        if (IsTerminal)
        {
            var line = LineOf(job);
            Error.Write($"\r{line.PadRight(written)}");
            written = line.Length;
        }
        else if (isNews && job.State is not (JobState.Preparing or JobState.Running) && !JobView.IsEnded(job.State))
        {
            // Whoever waits for it should know what it waits for.
            Error.WriteLine($"job {job.Id} is {Word(job.State)}: {Printer.Printable(job.Reason)}");
        }
    }

    private void Clear()
    {
        if (written > 0)
        {
            Error.Write($"\r{new string(' ', written)}\r");
            written = 0;
        }
    }

    public static string LineOf(JobView job)
    {
        var counts = job.Counts;
        var full = counts.All == 0 ? 0 : (int)((long)BarCharacters * counts.Ended / counts.All);
        var reason = job.Reason.Length > 0 ? $": {Printer.Printable(job.Reason)}" : "";
        var state = job.State is JobState.Running ? "" : $"  {Word(job.State)}{reason}";
        var bad = counts.Bad() > 0 ? $"  {counts.Bad()} bad" : "";
        return $"{counts.Ended} / {counts.All}  [{new string('=', full)}{new string(' ', BarCharacters - full)}]{bad}{state}";
    }

    private static string Word(JobState state) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(state.ToString());
}
