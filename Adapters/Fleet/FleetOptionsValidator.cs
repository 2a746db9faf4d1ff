using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

[OptionsValidator]
internal sealed partial class FleetOptionsRanges : IValidateOptions<FleetOptions>;

[OptionsValidator]
internal sealed partial class NetworkOptionsRanges : IValidateOptions<NetworkOptions>;

/// <summary>Every fault at once; files are looked for, not read: what is in them is checked by who uses them, at start.</summary>
internal sealed class FleetOptionsValidator(IOptions<ProvisioningOptions> provisioning) : IValidateOptions<FleetOptions>
{
    public ValidateOptionsResult Validate(string? name, FleetOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new FleetOptionsRanges().Validate(name, options));

        AddNetworkFaults(faults, options.Provisioning, nameof(options.Provisioning));
        foreach (var (overlay, network) in options.Overlays)
        {
            faults.AddResult(new NetworkOptionsRanges().Validate($"{nameof(options.Overlays)}:{overlay}", network));
            AddNetworkFaults(faults, network, $"{nameof(options.Overlays)}:{overlay}");
        }

        if (options.Overlays.Values.Append(options.Provisioning).Sum(network => network.Connections) > FleetOptions.ConnectionsMax)
        {
            faults.AddError(
                $"the connections of all networks together must be at most {FleetOptions.ConnectionsMax}", nameof(options.Overlays));
        }

        AddFileFault(faults, options.SharedSecretFile, nameof(options.SharedSecretFile), required: true);
        AddTokenFaults(faults, options);
        AddProofFaults(faults, options.CallerProof);
        return faults.Build();
    }

    private void AddTokenFaults(ValidateOptionsResultBuilder faults, FleetOptions options)
    {
        foreach (var file in options.ProvisioningTokenSignerFiles)
        {
            AddFileFault(faults, file, nameof(options.ProvisioningTokenSignerFiles), required: true);
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
            AddFileFault(faults, options.ServerTokenSeedFile, nameof(options.ServerTokenSeedFile), required: true);
        }

        AddFileFault(faults, options.ServerTokenIssuerTokenFile, nameof(options.ServerTokenIssuerTokenFile), required: false);
    }

    private static void AddNetworkFaults(ValidateOptionsResultBuilder faults, NetworkOptions network, string path)
    {
        AddLoginFaults(faults, network, path);
        AddFileFault(faults, network.NodeCaFile, $"{path}:{nameof(network.NodeCaFile)}", required: false);
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

        AddFileFault(faults, network.PasswordFile, $"{path}:{nameof(network.PasswordFile)}", required: network.User is not null);
        AddFileFault(faults, network.CaFile, $"{path}:{nameof(network.CaFile)}", required: false);
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

    private static void AddPairFaults(
        ValidateOptionsResultBuilder faults, string? file, string? companion, string path, string companionPath)
    {
        AddFileFault(faults, file, path, required: companion is not null);
        AddFileFault(faults, companion, companionPath, required: file is not null);
    }

    internal static void AddFileFault(ValidateOptionsResultBuilder faults, string? file, string path, bool required)
    {
        if (string.IsNullOrEmpty(file))
        {
            if (required)
            {
                faults.AddError("is needed; give the path of a file", path);
            }
        }
        else if (!File.Exists(file))
        {
            faults.AddError($"there is no file '{file}', or it may not be read", path);
        }
    }
}
