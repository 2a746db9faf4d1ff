using ControlPlane.Access.Policies;
using ControlPlane.Jobs;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets access policies demand that somebody else than a job's submitter approves it.</summary>
public static class JobSubmissionsHosting
{
    public static IServiceCollection AddJobSubmissions(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISubmissions, JobSubmissions>());
        return services;
    }
}
