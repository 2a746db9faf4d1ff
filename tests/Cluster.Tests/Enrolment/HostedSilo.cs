using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Configuration;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>
/// The silo of the executable, whole, inside of the process of the tests: its compiled code is there already. What it measures is mixed
/// with what other tests do; a test of metrics wants a process.
/// </summary>
internal sealed class HostedSilo : StageSilo
{
    private const int OutputLinesMax = 500;

    private readonly WebApplication app;
    private readonly KeptLog log;
    private bool isStopped;

    private HostedSilo(WebApplication app, KeptLog log, Uri api, Uri health)
        : base(api, health)
    {
        this.app = app;
        this.log = log;
    }

    public override bool IsRunning => !isStopped;

    public override string Output => string.Join('\n', log.Text.Split('\n').TakeLast(OutputLinesMax));

    public override string Ending => isStopped ? "\n(stopped)" : "";

    public static async Task<StageSilo> StartAsync(string configuration, Uri api, Uri health, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "controlplane", EnvironmentName = Environments.Production,
        });
        ConfigurationSources.Copy(ConfigurationSources.Read(configuration), builder.Configuration);
        builder.AddControlPlane();
        var log = new KeptLog();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddSingleton<IFatalErrorHandler>(new Survivor(log));

        var silo = new HostedSilo(builder.Build().MapControlPlane(), log, api, health);
        try
        {
            await silo.app.StartAsync(cancellationToken);
            await silo.WaitUntilReadyAsync(cancellationToken);
            return silo;
        }
        catch
        {
            await silo.DisposeAsync();
            throw;
        }
    }

    public override async Task KillAsync()
    {
        if (isStopped)
        {
            return;
        }

        isStopped = true;
        try
        {
            await app.StopAsync(new CancellationToken(canceled: true));
        }
        catch (Exception unfinished) when (unfinished is OperationCanceledException or AggregateException)
        {
            // Nothing is waited for.
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await KillAsync();
        await app.DisposeAsync();
        log.Dispose();
    }
}
