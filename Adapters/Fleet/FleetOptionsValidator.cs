using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

[OptionsValidator]
internal sealed partial class FleetOptionsRanges : IValidateOptions<FleetOptions>;

[OptionsValidator]
internal sealed partial class NetworkOptionsRanges : IValidateOptions<NetworkOptions>;

/// <summary>Every fault at once; files are looked for, not read: what is in them is checked by who uses them, at start.</summary>
internal sealed class FleetOptionsValidator(IOptions<ProvisioningOptions> provisioning, IOptions<OverlaysOptions> overlays)
    : IValidateOptions<FleetOptions>
{
    public ValidateOptionsResult Validate(string? name, FleetOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new FleetOptionsRanges().Validate(name, options));

        var region = overlays.ValueOrDefault();
        if (options.Provisioning is null && region.Members.Keys.All(region.Serves))
        {
            faults.AddError(
                "is the network of unprovisioned nodes, and needed: there is no other site that could take them up",
                nameof(options.Provisioning));
        }

        foreach (var (key, network) in options.Networks())
        {
            AddNetworkFaults(faults, network, FleetOptions.PathOf(key));
        }

        AddConnectionFaults(faults, options, region);

        faults.RequireFile(options.SharedSecretFile, nameof(options.SharedSecretFile), needed: true);
        AddTokenFaults(faults, options);
        AddProofFaults(faults, options.CallerProof);
        return faults.Build();
    }

    private static void AddConnectionFaults(ValidateOptionsResultBuilder faults, FleetOptions options, OverlaysOptions region)
    {
        if (options.NodeNetworks(region).Sum(network => network.Value.Connections) > FleetOptions.ConnectionsMax)
        {
            faults.AddError(
                $"the connections of all networks of nodes together must be at most {FleetOptions.ConnectionsMax}", nameof(options.Overlays));
        }

        var links = options.Links(region).Sum(network => network.Value.Connections);
        if (links > FleetOptions.LinksMax)
        {
            faults.AddError($"the links to other sites together must be at most {FleetOptions.LinksMax}", nameof(options.Overlays));
        }
    }

    private void AddTokenFaults(ValidateOptionsResultBuilder faults, FleetOptions options)
    {
        foreach (var file in options.ProvisioningTokenSignerFiles)
        {
            faults.RequireFile(file, nameof(options.ProvisioningTokenSignerFiles), needed: true);
        }

        if (options.ProvisioningTokenSignerFiles.Count == 0 && provisioning.Value.Issuers.Count == 0)
        {
            faults.AddError(
                "no provisioning token could be trusted: name signers here, or organisation issuers under Provisioning:Issuers",
                nameof(options.ProvisioningTokenSignerFiles));
        }

        if (options.Protocols.Distinct().Any(protocol => protocol is not (NodeProtocol.V1 or NodeProtocol.V2)))
        {
            faults.AddError("may name V1 and V2 only", nameof(options.Protocols));
        }

        var speaksV2 = options.Protocols.Count == 0 || options.Protocols.Contains(NodeProtocol.V2);
        if (speaksV2 && provisioning.Value.V2Credentials.HasFlag(NodeCredentials.ServerToken) && provisioning.Value.Issuers.Count > 0)
        {
            faults.RequireFile(options.ServerTokenSeedFile, nameof(options.ServerTokenSeedFile), needed: true);
        }

        faults.RequireFile(options.ServerTokenIssuerTokenFile, nameof(options.ServerTokenIssuerTokenFile), needed: false);
    }

    private static void AddNetworkFaults(ValidateOptionsResultBuilder faults, NetworkOptions network, string path)
    {
        faults.AddUnder(path, new NetworkOptionsRanges().Validate(null, network));
        AddLoginFaults(faults, network, path);
        faults.RequireFile(network.NodeCaFile, $"{path}:{nameof(network.NodeCaFile)}", needed: false);
    }

    /// <summary>What is wrong with how we log in to brokers.</summary>
    internal static void AddLoginFaults(ValidateOptionsResultBuilder faults, BrokerLoginOptions network, string path)
    {
        if (network.Urls.Count == 0)
        {
            faults.AddError("needs at least one broker, e.g. nats://broker1.example.net:4222", $"{path}:{nameof(network.Urls)}");
        }

        foreach (
            var url in network.Urls.Where(url => !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("nats" or "tls")))
        {
            faults.AddError($"'{url}' is not of the form nats://host:port", $"{path}:{nameof(network.Urls)}");
        }

        faults.RequireFile(network.PasswordFile, $"{path}:{nameof(network.PasswordFile)}", needed: network.User is not null);
        faults.RequireFile(network.CaFile, $"{path}:{nameof(network.CaFile)}", needed: false);
        AddPairFaults(
            faults, network.TokenFile, network.SeedFile, $"{path}:{nameof(network.TokenFile)}", $"{path}:{nameof(network.SeedFile)}");
        AddPairFaults(
            faults,
            network.CertificateFile,
            network.KeyFile,
            $"{path}:{nameof(network.CertificateFile)}",
            $"{path}:{nameof(network.KeyFile)}");
    }

    private static void AddProofFaults(ValidateOptionsResultBuilder faults, CallerProofOptions? proof)
    {
        const string path = nameof(FleetOptions.CallerProof);
        AddPairFaults(faults, proof?.TokenFile, proof?.SeedFile, $"{path}:{nameof(proof.TokenFile)}", $"{path}:{nameof(proof.SeedFile)}");
        AddPairFaults(
            faults, proof?.CertificateFile, proof?.KeyFile, $"{path}:{nameof(proof.CertificateFile)}", $"{path}:{nameof(proof.KeyFile)}");
    }

    internal static void AddPairFaults(
        ValidateOptionsResultBuilder faults, string? file, string? companion, string path, string companionPath)
    {
        faults.RequireFile(file, path, needed: companion is not null);
        faults.RequireFile(companion, companionPath, needed: file is not null);
    }
}
