using System.CommandLine;
using ControlPlane.Certificates;
using ControlPlane.Configuration;
using ControlPlane.Hosting;

namespace ControlPlane.Commands;

/// <summary><c>controlplane silo</c>: runs the silo until it is told to stop.</summary>
internal static class SiloCommand
{
    public static Command Create()
    {
        var command = new Command("silo", "Runs the silo; the same as no command.");
        RunsBy(command);
        return command;
    }

    /// <summary>Makes a command run the silo.</summary>
    public static void RunsBy(Command command)
    {
        var config = ConfigOption();
        command.Add(config);
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(config), parsed.InvocationConfiguration.Error));
    }

    public static Option<string?> ConfigOption() => new("--config", "-c")
    {
        Description = $"The configuration file, YAML or JSON. {ConfigurationSources.DefaultPath} when it exists.",
        HelpName = "FILE",
    };

    /// <summary>Runs something that may be refused by the configuration, and says so without a stack trace.</summary>
    public static async Task<int> ReportFaultsAsync(TextWriter error, Func<Task> run)
    {
        try
        {
            await run();
            return ExitCodes.Done;
        }
        catch (Exception refused) when (refused is ConfigurationFileException or ConfigurationRefusedException
            or IssuerMisconfiguredException or Orleans.Runtime.OrleansConfigurationException)
        {
            await error.WriteLineAsync($"controlplane: {refused.Message}");
            return ExitCodes.Configuration;
        }
        catch (StartFailedException away)
        {
            await error.WriteLineAsync($"controlplane: {away.Message}");
            return ExitCodes.StartFailed;
        }
        catch (Exception unexpected)
        {
            // The last line before the process ends: without it the runtime would abort and dump core.
            await error.WriteLineAsync($"controlplane: ended unexpectedly: {unexpected}");
            return ExitCodes.Refused;
        }
    }

    private static Task<int> RunAsync(string? config, TextWriter error) => ReportFaultsAsync(error, async () =>
    {
        await using var app = SiloHost.Build(config);
        Risks.LogAccepted(app.Configuration, app.Logger);
        await app.RunAsync();
    });
}
