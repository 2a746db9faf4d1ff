using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Jobs;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Hosting;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>Jobs beside the placement of a silo, as plans need them: real ones, that call nodes which the test plays.</summary>
internal static class PlanJobs
{
    public static void AddPlanJobs(this ISiloBuilder silo, FakeNodes nodes)
    {
        silo.Services.AddSingleton(Stand.In<INodeRpc>([]));
        silo.Services.AddSingleton(Stand.In<IWebHooks>([]));
        silo.Services.AddSingleton(Stand.In<IJobEvents>([]));
        silo.Services.AddSingleton<IAgentDdls>(Ddls());
        silo.Services.AddKeyedSingleton<ILog>(Logs.Jobs, new MemoryLog());
        silo.Services.AddKeyedSingleton<IRegister>(Registers.Jobs, new MemoryRegister());
        silo.Services.AddSingleton<IRegister>(new MemoryRegister());
        silo.Services.AddSingleton<IAccessPolicy, NobodysPolicy>();
        silo.Services.AddSingleton<IAuditTrail, NobodysPolicy>();
        silo.Services.AddSingleton<AccessGuard>();
        silo.AddJobs();
        silo.Services.AddSingleton(services => new JobContext(
            services.GetRequiredService<IOptionsMonitor<JobsOptions>>(),
            services.GetRequiredService<IOptionsMonitor<OverlaysOptions>>(),
            services.GetRequiredService<INodeRpc>(),
            nodes.FactoryOf(services),
            services.GetRequiredService<JobResultLog>(),
            services.GetRequiredService<JobDiscovery>(),
            services.GetRequiredService<JobMeter>(),
            services.GetRequiredService<Loops>(),
            services.GetRequiredService<TimeProvider>()));
    }

    private static FakeDdls Ddls()
    {
        var action = new DdlAction(
            JobAction.Reprovision, "Nodes enrol anew", DdlDisplay.Failed, new Dictionary<string, DdlInput>(StringComparer.Ordinal), [], []);
        return new FakeDdls
        {
            Known =
            {
                [JobAction.ControlPlaneAgent] = new AgentDdl(
                    JobAction.ControlPlaneAgent, "What the control plane does", "1.0.0", TimeSpan.FromMinutes(30), IsService: false,
                    new Dictionary<string, DdlAction>(StringComparer.Ordinal) { [JobAction.Reprovision] = action }),
            },
        };
    }

    private sealed class NobodysPolicy : IAccessPolicy, IAuditTrail
    {
        // As where no policy gives anybody a role.
        private static readonly AccessDecision Denied = new(IsAllowed: false, "test", "test");

        public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
            new(Denied);

        public Task<AuditedCall> BeginAsync(
            Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken) =>
            Task.FromResult(new AuditedCall("", caller, request, decision));

        public Task EndAsync(AuditedCall call, string outcome) => Task.CompletedTask;

        public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;
    }
}
