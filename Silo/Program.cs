using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Commands;
using ControlPlane.Configuration;
using ControlPlane.Console;
using ControlPlane.Health;
using ControlPlane.Hosting;

namespace ControlPlane;

/// <summary>The executable: its commands, and what the silo is made of, one line per feature.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => CommandLine.RunAsync(ChoriaLoginCommand.WithName(args));

    /// <summary>What the silo is made of.</summary>
    public static WebApplicationBuilder AddControlPlane(this WebApplicationBuilder builder)
    {
        builder.AddRedis();
        builder.Host.UseOrleans(silo => silo
            .AddRuntime()
            .AddTraceContext()
            .AddGrainAccess()
            .AddOverlayPlacement()
            .AddExternalDecision()
            .AddOpa()
            .AddRedisLedger()
            .AddLocalCa()
            .AddCfssl()
            .AddVault()
            .AddKeyVault()
            .AddCommandIssuers()
            .AddNodeAdvisor()
            .AddCertificates()
            .AddProvisioning()
            .AddLayerFiles()
            .AddFleetState()
            .AddFleet()
            .AddJobs()
            .AddReplication()
            .AddWebHooks()
            .AddChoriaSigning());

        return builder
            .AddLogs()
            .AddTelemetry()
            .AddAccess()
            .AddApi()
            .AddReadiness();
    }

    /// <summary>What it answers, in the order in which a request meets it.</summary>
    public static WebApplication MapControlPlane(this WebApplication app)
    {
        app.UseHealth();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseUtf8Bodies();
        CallLimits.Use(app);
        app.UseAuthorization();
        app.UseOutputCache();

        var guarded = app.MapGuarded();
        guarded.MapApi();
        guarded.MapChoria();
        guarded.MapConsole();
        guarded.MapSignIn();
        return app;
    }
}
