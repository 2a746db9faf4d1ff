using ControlPlane.Access.Policies;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Who may do what.</summary>
internal static class AccessPolicyRegistration
{
    /// <summary>Judges callers by the policy file of section <c>Access:Policy</c>.</summary>
    public static IServiceCollection AddAccessPolicyFile(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<AccessPolicyOptions>, AccessPolicyOptionsValidator>();
        services.AddOptions<AccessPolicyOptions>().BindConfiguration(AccessPolicyOptions.Section)
            .Configure<IConfiguration>((policy, configuration) => policy.NeededBy.AddRange(AccessMethods.NeedingPolicy(configuration)))
            .ValidateOnStart();
        services.AddSingleton<AccessPolicyFile>();
        services.AddSingleton<IPolicySource>(provider => provider.GetRequiredService<AccessPolicyFile>());
        return services.AddNodeFacts().AddSubmissions().AddJobSubmissions().AddAccessPolicy();
    }
}
