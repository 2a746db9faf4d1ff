using System.CommandLine;
using ControlPlane.Configuration;
using ControlPlane.Hosting;

namespace ControlPlane.Commands;

/// <summary><c>controlplane config check</c>: says everything that is wrong with a configuration, and starts nothing.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var config = SiloCommand.ConfigOption();
        var check = new Command("check", "Checks a configuration file and the environment, and starts nothing.") { config };
        check.SetAction((parsed, _) => SiloCommand.ReportFaultsAsync(parsed.InvocationConfiguration.Error, async () =>
        {
            await using var app = SiloHost.Build(parsed.GetValue(config));
            var output = parsed.InvocationConfiguration.Output;
            await output.WriteLineAsync("the configuration has no faults");
            foreach (var risk in Risks.Of(app.Configuration))
            {
                await output.WriteLineAsync($"accepted risk {risk}");
            }
        }));

        return new Command("config", "The configuration.") { check };
    }
}
