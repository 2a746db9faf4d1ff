using ControlPlane.Configuration;

namespace ControlPlane.Hosting;

/// <summary>Builds the silo's host out of a configuration.</summary>
internal static class SiloHost
{
    /// <exception cref="ConfigurationFileException">The file cannot be read.</exception>
    /// <exception cref="ConfigurationRefusedException">The configuration has faults; the message lists them all.</exception>
    public static WebApplication Build(string? configurationPath)
    {
        var configuration = ConfigurationSources.Read(configurationPath);
        var misshapen = ConfigurationShape.Faults(configuration, OptionsSections.All);
        var builder = Compose(ConfigurationSources.Without(configuration, misshapen));

        // Before the host is built, since building it reads options and would stop at the first fault.
        using (var services = builder.Services.BuildServiceProvider())
        {
            StartCheck.ThrowIfFaulty(configuration, misshapen, services);
        }

        return builder.Build().MapControlPlane();
    }

    private static WebApplicationBuilder Compose(IConfiguration configuration)
    {
        // Empty: no appsettings.json, no ASPNETCORE_URLS. What the silo does is said in one file and one set of variables.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "controlplane",
            EnvironmentName = Environments.Production,
        });
        ConfigurationSources.Copy(configuration, builder.Configuration);
        return builder.AddControlPlane();
    }
}
