using ControlPlane.Certificates;
using ControlPlane.Configuration;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Certificates;

/// <summary>Two silos that issue and nothing else, over one ledger, one scripted CA and one embedded CA with an imported key.</summary>
public sealed class IssuanceCluster : IAsyncLifetime
{
    public const string Scripted = "scripted";
    public const string Embedded = "embedded";
    public const string Listing = "listing";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-issuance-").FullName;
    private InProcessTestCluster cluster = null!;

    internal InMemoryCertificateLedger Ledger { get; } = new();

    internal MemoryLog History { get; } = new();

    internal InMemoryKeyRegister Keys { get; } = new();

    internal ScriptedIssuer Issuer { get; } = new(Scripted);

    internal ListingIssuer Catalog { get; } = new(Listing);

    internal CollectedOutput Output { get; } = new();

    /// <summary>What must never be seen outside of the CA's folder.</summary>
    internal string KeyPem => File.ReadAllText(Directory.GetFiles(Path.Combine(folder, "ca"), "intermediate-*.key").Single());

    public async ValueTask InitializeAsync()
    {
        // Once: silos start side by side, and one would read what the other is writing.
        var configuration = WriteConfiguration();
        var builder = new InProcessTestClusterBuilder(2);
        builder.ConfigureSiloHost((_, host) =>
            ConfigurationSources.Copy(ConfigurationSources.Read(configuration), host.Configuration));
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<ICertificateLedger>(Ledger);
            silo.Services.AddKeyedSingleton<ILog>(Logs.Certificates, History);
            silo.Services.AddSingleton<IKeyRegister>(Keys);
            silo.Services.AddKeyedSingleton<ICertificateIssuer>(Scripted, Issuer);
            silo.Services.AddKeyedSingleton<ICertificateIssuer>(Listing, Catalog);
            silo.AddLocalCa().AddCertificates();
            silo.Services.AddLogging(logging => logging.AddProvider(Output).SetMinimumLevel(LogLevel.Trace));
        });
        cluster = builder.Build();
        await cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    internal ICertificateInventoryGrain Inventory => cluster.Client.GetGrain<ICertificateInventoryGrain>(0);

    internal ICertificateAuditGrain Audit(string issuer) => cluster.Client.GetGrain<ICertificateAuditGrain>(issuer);

    internal ICertificateIssuanceGrain Grain(string issuer, string identity) =>
        cluster.Client.GetGrain<ICertificateIssuanceGrain>(CertificateShard.KeyFor(issuer, identity));

    private string WriteConfiguration()
    {
        var path = Path.Combine(folder, "controlplane.yaml");
        File.WriteAllText(path, $$"""
            Certificates:
              SharedKeys: true
              AuditInterval: "00:00:00"
              AuditRevokes: true
              Profiles:
                node:
                  Issuers: [{{Scripted}}]
                embedded:
                  Issuers: [{{Embedded}}]
                listing:
                  Issuers: [{{Listing}}]
            LocalCa:
              {{Embedded}}:
                DataFolder: {{Path.Combine(folder, "ca")}}
                KeyKind: P256
            """);
        return path;
    }
}
