using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// Reads the credentials that the options name and holds them against each other, every fault at once: what brokers and nodes would
/// refuse later, and mostly without a word. Files that are not there are <see cref="FleetOptionsValidator"/>'s.
/// </summary>
internal sealed class FleetCredentialsValidator(
    IOptions<ProvisioningOptions> provisioning, IOptions<OverlaysOptions> overlays, TimeProvider time) : IValidateOptions<FleetOptions>
{
    /// <summary>What <c>choria_provision</c> takes as a token (its DDL).</summary>
    private const int SecretLengthMax = 128;

    private const string ProvisionerUser = "provisioner";
    private const string SeedRule = "names a file that does not hold 64 hexadecimal digits, an Ed25519 seed as 'choria jwt keys' writes it";

    public ValidateOptionsResult Validate(string? name, FleetOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        var trust = TrustOrNull();
        AddSecretFaults(faults, options);
        AddSignerFaults(faults, options);
        AddServerTokenFaults(faults, options, trust);
        foreach (var (key, network) in options.Networks())
        {
            AddNetworkFaults(faults, key, network, trust, options);
        }

        AddCallerTokenFaults(faults, options, trust);
        AddCallerCertificateFaults(faults, options);
        return faults.Build();
    }

    private TokenTrust? TrustOrNull()
    {
        try
        {
            return provisioning.Value.Issuers.Count == 0
                ? null
                : TokenTrust.InOrganizations(provisioning.Value.Issuers);
        }
        catch (Exception faulty) when (faulty is OptionsValidationException or ChoriaFormatException)
        {
            // The section Provisioning tells of it itself.
            return null;
        }
    }

    private OverlaysOptions Overlays => overlays.ValueOrDefault();

    private static void AddSecretFaults(ValidateOptionsResultBuilder faults, FleetOptions options)
    {
        if (SecretFile.TextOrNull(options.SharedSecretFile) is { } secret && secret.Length is 0 or > SecretLengthMax)
        {
            faults.AddError(
                $"names a file whose secret has {secret.Length} characters; nodes take 1 to {SecretLengthMax}",
                nameof(options.SharedSecretFile));
        }
    }

    private static void AddSignerFaults(ValidateOptionsResultBuilder faults, FleetOptions options)
    {
        foreach (var (index, file) in options.ProvisioningTokenSignerFiles.Index())
        {
            try
            {
                _ = SecretFile.TextOrNull(file) is { } pem ? ProvisioningTokenAttestor.SignerIn(pem) : null;
            }
            catch (ChoriaFormatException fault)
            {
                faults.AddError(
                    $"names a file that holds neither one RSA public key nor one certificate of it, in PEM: {fault.Message}",
                    $"{nameof(options.ProvisioningTokenSignerFiles)}:{index}");
            }
        }
    }

    private void AddServerTokenFaults(ValidateOptionsResultBuilder faults, FleetOptions options, TokenTrust? trust)
    {
        const string tokenPath = nameof(FleetOptions.ServerTokenIssuerTokenFile);
        const string seedPath = nameof(FleetOptions.ServerTokenSeedFile);
        var seed = SecretFile.TextOrNull(options.ServerTokenSeedFile);
        AddSeedFault(faults, seed, seedPath);
        if (SecretFile.TextOrNull(options.ServerTokenIssuerTokenFile) is { } token)
        {
            var claims = AddTokenFaults(faults, token, seed, trust, tokenPath);
            if (claims is { Issuer: var issuer } && issuer?.StartsWith("I-", StringComparison.Ordinal) != true)
            {
                faults.AddError(
                    "names a token that is not that of a chain issuer; make one with 'choria jwt client … --issuer'", tokenPath);
            }
        }
        else if (options.ServerTokenIssuerTokenFile is null && trust is not null && seed is not null
            && ClientTokenCheck.PublicKeyOrNull(seed) is { } key && !provisioning.Value.Issuers.ContainsValue(key))
        {
            faults.AddError(
                $"names a seed with the public key {key}, which is none of Provisioning:Issuers: nodes and brokers would believe no "
                + $"server token; name the issuer's seed, or the chain issuer's token as {tokenPath}",
                seedPath);
        }
    }

    private void AddNetworkFaults(
        ValidateOptionsResultBuilder faults, string name, NetworkOptions network, TokenTrust? trust, FleetOptions options)
    {
        var path = FleetOptions.PathOf(name);
        AddCertificateFaults(faults, network.CertificateFile, network.KeyFile, $"{path}:{nameof(network.CertificateFile)}");
        AddAuthoritiesFault(faults, network.CaFile, $"{path}:{nameof(network.CaFile)}");
        AddAuthoritiesFault(faults, network.NodeCaFile, $"{path}:{nameof(network.NodeCaFile)}");
        if (network.User is not null && SecretFile.TextOrNull(network.PasswordFile) is { Length: 0 })
        {
            faults.AddError("names an empty file", $"{path}:{nameof(network.PasswordFile)}");
        }

        var seed = SecretFile.TextOrNull(network.SeedFile);
        AddSeedFault(faults, seed, $"{path}:{nameof(network.SeedFile)}");
        var tokenPath = $"{path}:{nameof(network.TokenFile)}";
        if (SecretFile.TextOrNull(network.TokenFile) is not { } token
            || AddTokenFaults(faults, token, seed, trust, tokenPath) is not { } claims)
        {
            return;
        }

        if (network == options.Provisioning)
        {
            if (network.User == ProvisionerUser && claims.Permissions is not { Provisioner: true })
            {
                faults.AddError(
                    "names a token without the permission provisioner, with which brokers let the user provisioner in; "
                    + "make one with --server-provisioner",
                    tokenPath);
            }
        }
        else
        {
            AddOverlayTokenFaults(faults, claims, tokenPath, callsNodes: options.CallerProof is not null && Overlays.Serves(name));
        }
    }

    private static void AddOverlayTokenFaults(
        ValidateOptionsResultBuilder faults, ClientClaims claims, string path, bool callsNodes)
    {
        if (claims.CallerId.Length == 0)
        {
            faults.AddError("names a token without callerid, which brokers refuse; make one with 'choria jwt client'", path);
        }

        if (callsNodes
            && claims.Permissions is not ({ FleetManagement: true } or { SignedFleetManagement: true } or { OrganizationAdmin: true }))
        {
            faults.AddError(
                "names a token without the permission fleet_management: over this connection Fleet:CallerProof's requests go to nodes; "
                + "make one with --fleet-management",
                path);
        }
    }

    private void AddCallerTokenFaults(ValidateOptionsResultBuilder faults, FleetOptions options, TokenTrust? trust)
    {
        const string path = $"{nameof(FleetOptions.CallerProof)}:{nameof(CallerProofOptions.TokenFile)}";
        var seed = SecretFile.TextOrNull(options.CallerProof?.SeedFile);
        AddSeedFault(faults, seed, $"{nameof(FleetOptions.CallerProof)}:{nameof(CallerProofOptions.SeedFile)}");
        if (SecretFile.TextOrNull(options.CallerProof?.TokenFile) is { } token
            && AddTokenFaults(faults, token, seed, trust, path) is { } claims)
        {
            var isAuthorizedByToken = ServedOverlays(options).Any(RpcAuthorization.IsByToken);
            Add(faults, ClientTokenCheck.CallerFaults(claims, CallerOf(options), isAuthorizedByToken), path);
        }
    }

    private void AddCallerCertificateFaults(ValidateOptionsResultBuilder faults, FleetOptions options)
    {
        const string path = $"{nameof(FleetOptions.CallerProof)}:{nameof(CallerProofOptions.CertificateFile)}";
        var proof = options.CallerProof;
        if (SecretFile.TextOrNull(proof?.CertificateFile) is not { } pem
            || !AddCertificateFaults(faults, proof!.CertificateFile, proof.KeyFile, path))
        {
            return;
        }

        var allowed = ServedOverlays(options).Select(CallerCertificateCheck.AllowedBy).DefaultIfEmpty(CallerCertificateCheck.AllowedBy(
            new Dictionary<string, string>()));
        Add(faults, allowed.SelectMany(patterns => CallerCertificateCheck.Faults(pem, CallerOf(options), patterns)).Distinct(), path);
        foreach (var (overlay, network) in options.Overlays.Where(overlay => Overlays.Serves(overlay.Key)))
        {
            if (SecretFile.TextOrNull(network.NodeCaFile) is { } authorities && !IsIssuedBy(authorities, pem))
            {
                faults.AddError(
                    $"names a certificate that does not lead to Fleet:Overlays:{overlay}:NodeCaFile, by which nodes judge it; "
                    + "have it issued by that CA, with its intermediates below it in the file",
                    path);
            }
        }
    }

    private bool IsIssuedBy(string authoritiesPem, string certificatePem)
    {
        try
        {
            using var trust = new CertificateTrust(PemCertificates.Read(authoritiesPem));

            // When it is valid is said apart.
            return OwnCertificateCheck.EndOrNull(certificatePem) is not { } end
                || trust.IsIssuedHere(certificatePem, end < time.GetUtcNow() ? end.AddSeconds(-1) : time.GetUtcNow());
        }
        catch (CryptographicException)
        {
            return true;
        }
    }

    private string CallerOf(FleetOptions options) => RegionCaller.IdOf(options, Overlays);

    private IEnumerable<IReadOnlyDictionary<string, string>> ServedOverlays(FleetOptions options) =>
        options.ServedMembers(Overlays).Select(member => member.Value.Configuration);

    private ClientClaims? AddTokenFaults(
        ValidateOptionsResultBuilder faults, string token, string? seed, TokenTrust? trust, string path)
    {
        if (ClientTokenCheck.ReadOrNull(token, out var fault) is not { } claims)
        {
            faults.AddError(fault!, path);
            return null;
        }

        Add(faults, ClientTokenCheck.Faults(token, claims, seed, trust, time.GetUtcNow()), path);
        return claims;
    }

    // Whether there is a certificate to look into further.
    private bool AddCertificateFaults(ValidateOptionsResultBuilder faults, string? certificateFile, string? keyFile, string path)
    {
        var found = OwnCertificateCheck.Faults(
            certificateFile, keyFile, SecretFile.Read, OwnCertificateCheck.ClientAuthentication, time.GetUtcNow());
        Add(faults, found, path);
        return SecretFile.TextOrNull(certificateFile) is { } pem && OwnCertificateCheck.EndOrNull(pem) is not null;
    }

    private static void AddAuthoritiesFault(ValidateOptionsResultBuilder faults, string? file, string path)
    {
        if (PemCertificates.FaultOfFile(file) is { } fault)
        {
            faults.AddError(fault, path);
        }
    }

    private static void AddSeedFault(ValidateOptionsResultBuilder faults, string? seed, string path)
    {
        if (seed is not null && ClientTokenCheck.PublicKeyOrNull(seed) is null)
        {
            faults.AddError(SeedRule, path);
        }
    }

    private static void Add(ValidateOptionsResultBuilder faults, IEnumerable<string> found, string path)
    {
        foreach (var fault in found)
        {
            faults.AddError(fault, path);
        }
    }
}
