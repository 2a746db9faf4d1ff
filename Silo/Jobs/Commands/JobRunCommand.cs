using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>controlplane job run -f FILE</c>: submits what is written in a file.</summary>
internal static class JobRunCommand
{
    public static ClientCommand Create()
    {
        var file = new Option<string>("--file", "-f") { Description = "The job, as YAML or JSON.", HelpName = "FILE", Required = true };
        var watch = new Option<bool>("--watch") { Description = "Follow it to its end; exit with 1 unless all its nodes did it." };
        var key = new Option<string?>("--idempotency-key")
        {
            Description = "A name for this submission: with the same one, the same job is given back and no second one is made.",
        };
        var dryRun = DryRun.Option();
        return new ClientCommand("run", "Submits a job that is written in a file.", async (call, cancellationToken) =>
        {
            var body = await JobFile.ReadAsync(call.Arguments.GetRequiredValue(file), cancellationToken);
            if (call.Arguments.GetValue(dryRun))
            {
                return await DryRun.ShowAsync(call, body, cancellationToken);
            }

            var job = await call.Api.PostAsync<JobView>("v1/jobs", body, call.Arguments.GetValue(key), cancellationToken);
            if (call.Arguments.GetValue(watch))
            {
                return await JobCommands.FollowAsync(call, job, cancellationToken);
            }

            call.Print.One(job,
                ("job", job.Id), ("state", job.State), ("reason", job.Reason.Length > 0 ? job.Reason : null));
            call.Print.Say($"follow it with: controlplane job watch {job.Id}");
            return ExitCodes.Done;
        })
        { file, watch, key, dryRun };
    }
}
