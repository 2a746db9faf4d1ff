using ControlPlane.Access.Policies;
using ControlPlane.Fleet;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets access policies be judged by what nodes say of themselves.</summary>
public static class NodeFactsHosting
{
    public static IServiceCollection AddNodeFacts(this IServiceCollection services)
    {
        services.TryAddSingleton<INodeFacts, FleetNodeFacts>();
        return services;
    }
}
