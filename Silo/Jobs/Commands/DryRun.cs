using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>--dry-run</c>: who would be hit, in which stage.</summary>
internal static class DryRun
{
    public static Option<bool> Option() => new("--dry-run") { Description = "Say which nodes are meant, in which stage, and do nothing." };

    /// <summary>Asks what a job would do, and prints it.</summary>
    /// <param name="call">The call of the command.</param>
    /// <param name="body">The job, as it would be submitted.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>What the process ends with: as if it had been refused when it could not begin, or no node is meant.</returns>
    public static async Task<int> ShowAsync(ClientCall call, object body, CancellationToken cancellationToken)
    {
        var found = await call.Api.PostAsync<DryRunView>($"v1{DryRunEndpoint.Path}", body, cancellationToken);
        call.Print.Whole(found, people =>
        {
            people.One(found, ("would be", found.State), ("reason", found.Reason.Length > 0 ? found.Reason : null));
            people.Say("");
            people.List(found.Stages, ("stage", stage => stage.Name), ("targets", stage => stage.Targets));
            people.Say("");
            people.List(found.Overlays, ("overlay", one => one.Overlay), ("targets", one => one.Targets), ("why not", one => one.Fault));
            people.Say("");
            people.List(found.Nodes,
                ("identity", node => node.Identity), ("overlay", node => node.Overlay), ("stage", node => found.Stages[node.Stage].Name));
            if (found.Stages.Sum(stage => stage.Targets) - found.Nodes.Count is > 0 and var more)
            {
                people.Say($"… and {more} more");
            }
        });
        return found.State is JobState.Failed or JobState.Completed ? ExitCodes.Refused : ExitCodes.Done;
    }
}
