using ControlPlane.Adapters.Decision;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds the external decision of placement.</summary>
public static class DecisionHosting
{
    /// <summary>Binds section <c>Decision</c>; without a program or a web hook there is nobody to ask.</summary>
    public static ISiloBuilder AddExternalDecision(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<DecisionOptions>().BindConfiguration(DecisionOptions.Section).ValidateOnStart();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DecisionOptions>, DecisionOptionsValidator>());
        var section = silo.Configuration.GetSection(DecisionOptions.Section);
        if (!string.IsNullOrEmpty(section[nameof(DecisionOptions.Program)]))
        {
            silo.Services.AddSingleton<IExternalDecider, ProgramDecider>();
        }
        else if (!string.IsNullOrEmpty(section[nameof(DecisionOptions.Url)]))
        {
            silo.Services.AddSingleton<IExternalDecider, WebDecider>();
        }

        return silo;
    }
}
