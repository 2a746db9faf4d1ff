using ControlPlane.Access;
using ControlPlane.Access.Policies;

namespace ControlPlane.Jobs;

/// <summary>Says who submitted a job, for policies by which somebody else must approve it.</summary>
internal sealed class JobSubmissions(IGrainFactory grains) : ISubmissions
{
    public async Task<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken) =>
        JobId.IsValid(request.Job)
            ? (await grains.GetJob(request.Job!).Get().WaitAsync(cancellationToken))?.Submitter
            : null;
}
