using System.CommandLine;
using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Configuration;
using ControlPlane.Hosting;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

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

            await output.WriteLineAsync(AuditRegistration.Durability(
                app.Services.GetRequiredService<IOptions<AuditOptions>>().Value,
                app.Services.GetRequiredService<IOptions<FleetOptions>>().Value));
            if (app.Services.GetRequiredService<IOptions<NodeProofOptions>>().Value.Missing is { } missing)
            {
                await output.WriteLineAsync($"it runs without a proof of each node: {missing}");
            }
        }));

        return new Command("config", "The configuration.") { check };
    }
}
