using ControlPlane.Adapters.Fleet;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The record of calls of this silo.</summary>
internal static class AuditRegistration
{
    /// <summary>What an operator does so that records survive.</summary>
    public const string Remedy = "set Access:Audit:Folder; or Fleet:StateReplicas to 3, sync_interval of the brokers to always, and "
        + "Access:Audit:BrokerSyncsAlways";

    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddSingleton<ISiteSigner, SiteKeySigner>();
        services.AddSingleton<IBreakGlass, BreakGlassFile>();
        services.AddSingleton(provider => new AuditSite(provider.GetRequiredService<Locality>().Overlay, ChainOf(provider)));
        services.AddSingleton<IAuditJournal>(provider => provider.GetRequiredService<IOptions<AuditOptions>>().Value.Folder is null
            ? new NoAuditJournal()
            : ActivatorUtilities.CreateInstance<FileAuditJournal>(provider));
        return services.AddAuditTrail();
    }

    /// <summary>What a record survives as the silo is configured, in words.</summary>
    public static string Durability(AuditOptions audit, FleetOptions fleet) =>
        FindSync(audit, fleet) ?? $"the record of a call may be lost with the power of a machine: {Remedy}";

    /// <summary>What makes a record survive the loss of any one machine's power, in words; null when nothing does.</summary>
    public static string? FindSync(AuditOptions audit, FleetOptions fleet) =>
        audit.Folder is { } folder
            ? $"a record of a call survives the loss of any one machine's power: it is synced to {folder} before the call goes on"
            : fleet.StateReplicas >= 3 && audit.BrokerSyncsAlways
                ? $"a record of a call survives the loss of any one machine: {fleet.StateReplicas} brokers have it, and sync each write"
                : null;

    // A silo keeps machine and port when it starts again, and no other of the site has both.
    private static string ChainOf(IServiceProvider provider) =>
        $"{Environment.MachineName}:{provider.GetRequiredService<IOptions<SiloHostOptions>>().Value.Port}";
}
