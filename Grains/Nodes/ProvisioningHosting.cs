using ControlPlane;
using ControlPlane.Enrolment;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers the enrolment of nodes.</summary>
public static class ProvisioningHosting
{
    /// <summary>
    /// Adds the node grains, configured by the section <c>Provisioning</c>. Needs the ports <see cref="INodeAgent"/>,
    /// <see cref="INodeAttestor"/>, <see cref="IExpectedNodes"/>, <see cref="IServerTokenIssuer"/> and <see cref="ILayerFiles"/>, the grain
    /// storage <c>fleet</c>, and who keeps the slices (<see cref="INodeSliceGrain"/>).
    /// </summary>
    public static ISiloBuilder AddProvisioning(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<ProvisioningOptions>().BindConfiguration(ProvisioningOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<NodeReports>();
        silo.Services.TryAddSingleton<NodeSites>();
        silo.Services.AddSingleton<NodeAgents>();
        silo.Services.AddSingleton<ISiteChannel, NodeChannel>();
        silo.Services.AddSingleton<IValidateOptions<ProvisioningOptions>, ProvisioningOptionsValidator>();

        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<Loops>();
        silo.Services.AddSingleton<EnrolmentContext>();
        silo.Services.AddAdmission();
        silo.Services.AddSingleton<ProvisioningMeter>();
        silo.Services.AddSingleton<EnrolmentLog>();
        silo.Services.AddOptions<NodeProofOptions>().BindConfiguration(NodeProofOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<NodeAttestation>();
        silo.Services.AddSingleton<NodeSteps>();
        silo.Services.AddSingleton<PlaneSteps>();
        silo.Services.AddSingleton<ConfigurationSteps>();
        silo.Services.AddSingleton<NodeLayersReload>();
        silo.Services.AddRounds<NodeLayersReload>("layers of node configuration", TimeSpan.FromSeconds(5), layers => layers.Reload());
        silo.Services.AddSingleton<IValidateOptions<ProvisioningOptions>, NodeLayersCheck>();
        silo.Services.AddRounds<EnrolmentLog>("summary of enrolments", TimeSpan.FromSeconds(1), log => log.Summarize());
        return silo;
    }
}
