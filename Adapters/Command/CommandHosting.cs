using ControlPlane.Adapters.Command;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using Microsoft.Extensions.Configuration;
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
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IValidateOptions<CommandOptions>, CommandOptionsValidator>();
        foreach (var entry in silo.Configuration.GetSection(CommandOptions.Section).GetChildren())
        {
            var name = entry.Key;
            silo.Services.AddOptions<CommandOptions>(name).BindConfiguration($"{CommandOptions.Section}:{name}").ValidateOnStart();
            silo.Services.AddKeyedSingleton<ICertificateIssuer>(name, (provider, _) => new CommandIssuer(
                name,
                provider.GetRequiredService<IOptionsMonitor<CommandOptions>>().Get(name),
                provider.GetRequiredService<TimeProvider>()));
        }

        return silo;
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
