using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Sites;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers jobs.</summary>
public static class JobsHosting
{
    /// <summary>
    /// Adds jobs, configured by the section <c>Jobs</c>. Needs the ports <see cref="INodeRpc"/>, <see cref="IAgentDdls"/>,
    /// <see cref="IWebHooks"/> and <see cref="IJobEvents"/>, the <see cref="ILog"/> of <see cref="Logs.Jobs"/>, the
    /// <see cref="IRegister"/> of <see cref="Registers.Jobs"/> and the one without a key, the slices of the fleet, the overlays, an
    /// <see cref="ControlPlane.Access.AccessGuard"/>, and the grain storage <c>fleet</c>.
    /// </summary>
    public static ISiloBuilder AddJobs(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<JobsOptions>().BindConfiguration(JobsOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<JobsOptions>, JobsOptionsValidator>();
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<Loops>();
        silo.Services.TryAddSingleton<ISiteLink, NoSiteLink>();
        silo.Services.AddSingleton<JobMeter>();
        silo.Services.AddSingleton<JobResultLog>();
        silo.Services.AddSingleton<JobDiscovery>();
        silo.Services.AddSingleton<JobActions>();
        silo.Services.AddSingleton<JobChecks>();
        silo.Services.AddSingleton<JobDryRuns>();
        silo.Services.AddSingleton<JobAuthority>();
        silo.Services.AddSingleton<JobContext>();
        silo.Services.AddSingleton<JobSites>();
        silo.Services.AddSingleton<JobReceivers>();
        silo.Services.AddSingleton<JobIndex>();
        silo.Services.AddSingleton<JobScheduleIndex>();
        silo.Services.AddSingleton<ISiteChannel, JobChannel>();
        silo.Services.AddSingleton<JobRounds>();
        silo.Services.AddRounds<JobRounds>("jobs", JobRounds.Period, (jobs, token) => jobs.WakeAsync(token), isDueAtOnce: true);
        return silo;
    }
}
