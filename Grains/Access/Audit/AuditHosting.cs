using ControlPlane.Flow;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Registers the record of calls.</summary>
public static class AuditHosting
{
    /// <summary>
    /// Adds <see cref="IAuditTrail"/>, configured by the section <c>Access:Audit</c>. Needs the <see cref="ILog"/> of
    /// <see cref="Logs.Audit"/> and an <see cref="AuditSite"/>; without an <see cref="IAuditJournal"/>, an <see cref="IBreakGlass"/> or an
    /// <see cref="ISiteSigner"/> it does without.
    /// </summary>
    public static IServiceCollection AddAuditTrail(this IServiceCollection services)
    {
        services.AddOptions<AuditOptions>().BindConfiguration(AuditOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuditOptions>, AuditOptionsValidator>();
        services.TryAddSingleton<IAuditJournal, NoAuditJournal>();
        services.TryAddSingleton<IBreakGlass, NoBreakGlass>();
        services.TryAddSingleton<ISiteSigner, NoSiteSigner>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<AuditMeter>();
        services.AddSingleton<AuditChain>();
        services.AddSingleton<AuditAppender>();
        services.AddSingleton<AuditCheckpoints>();
        services.AddSingleton<AuditReader>();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<AuditOptions>>().Value;
            return new FloodLimit(options.DeniedPerAddressMax, options.DeniedMax, provider.GetRequiredService<TimeProvider>());
        });
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<IAuditTrail>(provider => provider.GetRequiredService<AuditTrail>());
        services.AddSingleton(provider => new AuditStatus(provider.GetRequiredService<AuditAppender>()));
        services.AddHostedService<AuditLifetime>();
        services.AddRounds<AuditAppender>(
            "audit", TimeSpan.FromSeconds(1), (appender, token) => appender.CatchUpAsync(token), isDueAtOnce: true);
        services.AddRounds<AuditTrail>("audit omissions", TimeSpan.FromSeconds(10), trail => trail.RecordOmitted());
        services.AddRounds<AuditCheckpoints>(
            "audit checkpoints", AuditCheckpoints.Period, (checkpoints, token) => checkpoints.WriteAsync(token));
        return services;
    }

    // What came of the last calls is recorded once nothing runs any more.
    private sealed class AuditLifetime(AuditAppender appender, AuditMeter meter) : IHostedLifecycleService
    {
        public Task StoppedAsync(CancellationToken cancellationToken) => appender.FlushAsync(cancellationToken);

        public Task StartingAsync(CancellationToken cancellationToken)
        {
            meter.Observe(appender);
            return Task.CompletedTask;
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Whether calls can be recorded now, for health.</summary>
public sealed class AuditStatus
{
    private readonly AuditAppender appender;

    internal AuditStatus(AuditAppender appender) => this.appender = appender;

    /// <summary>Why calls are not recorded on the log; null while they are.</summary>
    public string? Fault => appender.Fault;

    /// <summary>Records that the log does not have yet.</summary>
    public int Backlog => appender.Backlog;

    /// <summary>Whether the break-glass switch of this machine is on.</summary>
    public bool IsGlassBroken => appender.IsGlassBroken;
}

internal sealed class NoBreakGlass : IBreakGlass
{
    public bool IsOn => false;
}
