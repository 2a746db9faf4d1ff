using ControlPlane.Access.Policies;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets access policies demand that somebody else than a plan's maker approves it.</summary>
public static class SubmissionsHosting
{
    public static IServiceCollection AddSubmissions(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISubmissions, PlanSubmissions>());
        return services;
    }
}
