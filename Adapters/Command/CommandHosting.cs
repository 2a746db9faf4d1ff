using ControlPlane.Adapters.Command;
using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds issuers that are programs.</summary>
public static class CommandHosting
{
    /// <summary>Adds one issuer for each entry of the configuration section <c>Command</c>; the entry's name is the issuer's.</summary>
    public static ISiloBuilder AddCommandIssuers(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IValidateOptions<CommandOptions>, CommandOptionsValidator>();
        return silo.AddIssuers<CommandOptions>(CommandOptions.Section, (name, options, services) =>
            new CommandIssuer(name, options, services.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Adds Choria Provisioner's helper, where the section <c>Helper</c> names a program.</summary>
    public static ISiloBuilder AddNodeAdvisor(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<HelperOptions>().BindConfiguration(HelperOptions.Section).ValidateOnStart();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HelperOptions>, HelperOptionsValidator>());
        if (!string.IsNullOrEmpty(silo.Configuration[$"{HelperOptions.Section}:{nameof(HelperOptions.Program)}"]))
        {
            silo.Services.TryAddSingleton(TimeProvider.System);
            silo.Services.AddSingleton<INodeAdvisor, ProgramAdvisor>();
        }

        return silo;
    }
}
