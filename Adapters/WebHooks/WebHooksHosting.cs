using ControlPlane.Adapters.WebHooks;
using ControlPlane.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds the web hooks that jobs tell and ask.</summary>
public static class WebHooksHosting
{
    /// <summary>They are those of <c>Jobs:WebHooks</c>.</summary>
    public static ISiloBuilder AddWebHooks(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<IValidateOptions<JobsOptions>, WebHookSecretsValidator>();
        silo.Services.AddSingleton<IWebHooks, SignedWebHooks>();
        return silo;
    }
}
