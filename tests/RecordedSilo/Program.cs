using System.CommandLine;
using ControlPlane.Chaos;
using ControlPlane.Configuration;
using ControlPlane.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.RecordedSilo;

/// <summary>
/// <c>recorded-silo silo --config FILE</c>: the silo of the executable, whole, which writes down besides what its own grains call each
/// other with. The product records who called it and what for; that its grains call each other is nobody's call.
/// </summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        var config = new Option<string>("--config") { Description = "The silo's configuration file.", Required = true };
        var silo = new Command("silo", "Runs the silo.") { config };
        silo.SetAction((parsed, _) => RunAsync(parsed.GetRequiredValue(config)));

        // It hears SIGTERM itself, and takes longer to hand over than the two seconds that it would be given.
        return new RootCommand("A silo of a soak") { silo }.Parse(args)
            .InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static async Task RunAsync(string configuration)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "controlplane", EnvironmentName = "Production" });
        ConfigurationSources.Copy(ConfigurationSources.Read(configuration), builder.Configuration);
        builder.AddControlPlane();
        builder.Services.AddSingleton(new OperationFile(OperationFile.PathOf(configuration)));
        builder.Services.AddSingleton<IIncomingGrainCallFilter, OperationRecorder>();
        await using var app = builder.Build().MapControlPlane();
        await app.RunAsync();
    }
}
