using ControlPlane.Access;
using ControlPlane.Access.Policies;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the decision of what callers may do.</summary>
public static class AccessPolicyHosting
{
    /// <summary>Judges by the policy of <see cref="IPolicySource"/>, which whoever assembles the silo supplies.</summary>
    public static IServiceCollection AddAccessPolicy(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<AccessMeter>();
        services.AddSingleton<ExternalAuthorization>();
        services.AddSingleton(provider => new PolicyAccess(
            provider.GetRequiredService<IPolicySource>(),
            provider.GetRequiredService<INodeFacts>(),
            [.. provider.GetServices<ISubmissions>()],
            provider.GetRequiredService<ExternalAuthorization>(),
            provider.GetRequiredService<AccessMeter>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PolicyAccess>>()));
        services.AddSingleton<IAccessPolicy>(provider => provider.GetRequiredService<PolicyAccess>());
        return services;
    }
}
