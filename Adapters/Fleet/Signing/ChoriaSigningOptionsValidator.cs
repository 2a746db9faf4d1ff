using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Every fault at once, those in the files too: a wrong delegate would have nodes drop requests without a word.</summary>
internal sealed class ChoriaSigningOptionsValidator(
    IOptions<FleetOptions> fleet, IOptions<ProvisioningOptions> provisioning, TimeProvider time) : IValidateOptions<ChoriaSigningOptions>
{
    private static readonly string[] KnownPermissions = ["events_viewer", "streams_user", "election_user", "governor"];

    // Choria's own default; nodes may be configured otherwise, which nobody here knows.
    private static readonly string[] PrivilegedEnds = [".privileged.mcollective", ".privileged.choria"];

    public ValidateOptionsResult Validate(string? name, ChoriaSigningOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new ChoriaSigningOptionsRanges().Validate(name, options));
        if (!options.Signs && !options.LogsIn && !options.ServiceAgent)
        {
            return faults.Build();
        }

        FleetOptionsValidator.AddPairFaults(
            faults, options.SignerTokenFile, options.SignerSeedFile, nameof(options.SignerTokenFile), nameof(options.SignerSeedFile));
        FleetOptionsValidator.AddPairFaults(
            faults,
            options.SignerCertificateFile,
            options.SignerKeyFile,
            nameof(options.SignerCertificateFile),
            nameof(options.SignerKeyFile));
        faults.Require(
            !options.ServiceAgent || options.Signs,
            nameof(options.ServiceAgent),
            "needs SignerTokenFile or SignerCertificateFile to sign with");
        AddTrustFaults(faults, options);
        AddDelegatorFaults(faults, options);
        AddCertificateFaults(faults, options);
        UserList.Read(options.UserFiles, options.Organization, out var listed);
        Add(faults, listed, nameof(options.UserFiles));
        AddOidcFaults(faults, options.Oidc);
        return faults.Build();
    }

    private void AddTrustFaults(ValidateOptionsResultBuilder faults, ChoriaSigningOptions options)
    {
        var issuers = provisioning.ValueOrDefault().Issuers;
        faults.Require(
            issuers.ContainsKey(options.Organization),
            nameof(options.Organization),
            $"must be a key of Provisioning:Issuers, which vouches for the users' tokens, is '{options.Organization}'");
        faults.Require(
            !options.LogsIn || fleet.ValueOrDefault().ServerTokenSeedFile is not null,
            options.Oidc is null ? nameof(options.UserFiles) : nameof(options.Oidc),
            "needs Fleet:ServerTokenSeedFile, by which users' tokens are signed");
    }

    private void AddDelegatorFaults(ValidateOptionsResultBuilder faults, ChoriaSigningOptions options)
    {
        const string path = nameof(ChoriaSigningOptions.SignerTokenFile);
        var seed = SecretFile.TextOrNull(options.SignerSeedFile);
        if (seed is not null && ClientTokenCheck.PublicKeyOrNull(seed) is null)
        {
            faults.AddError("must hold 64 hexadecimal digits", nameof(options.SignerSeedFile));
        }

        if (SecretFile.TextOrNull(options.SignerTokenFile) is not { } token)
        {
            return;
        }

        if (ClientTokenCheck.ReadOrNull(token, out var fault) is not { } claims)
        {
            faults.AddError(fault!, path);
            return;
        }

        Add(faults, ClientTokenCheck.Faults(token, claims, seed, TrustOrNull(), time.GetUtcNow()), path);
        if (claims.Permissions is not { AuthenticationDelegator: true })
        {
            faults.AddError(
                "names a token without the permission authentication_delegator, under whose signature nodes drop requests; "
                + "make one with --auth-delegation",
                path);
        }
    }

    private void AddCertificateFaults(ValidateOptionsResultBuilder faults, ChoriaSigningOptions options)
    {
        const string path = nameof(ChoriaSigningOptions.SignerCertificateFile);
        Add(
            faults,
            OwnCertificateCheck.Faults(
                options.SignerCertificateFile,
                options.SignerKeyFile,
                SecretFile.Read,
                OwnCertificateCheck.ClientAuthentication,
                time.GetUtcNow()),
            path);
        if (SecretFile.TextOrNull(options.SignerCertificateFile) is { } pem && OwnCertificateCheck.EndOrNull(pem) is not null)
        {
            Add(faults, PrivilegeFaults(pem), path);
        }
    }

    private static IEnumerable<string> PrivilegeFaults(string pem)
    {
        using var certificate = PemCertificates.Read(pem)[0];
        if (System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPublicKey(certificate) is null)
        {
            yield return "names a certificate whose key is not RSA, the only kind that requests of protocol v1 are signed with";
        }

        var names = CertificateTrust.NamesOf(certificate);
        if (!names.Any(name => PrivilegedEnds.Any(end => name.EndsWith(end, StringComparison.Ordinal))))
        {
            yield return $"names a certificate of {string.Join(", ", names)}, which may sign for itself alone on nodes: "
                + $"its name must end in {string.Join(" or ", PrivilegedEnds)}";
        }
    }

    private static void AddOidcFaults(ValidateOptionsResultBuilder faults, ChoriaOidcOptions? oidc)
    {
        if (oidc is null)
        {
            return;
        }

        const string path = nameof(ChoriaSigningOptions.Oidc);
        faults.RequireSafeUrl(oidc.Issuer, $"{path}:{nameof(oidc.Issuer)}");
        faults.Require(oidc.ClientId.Length > 0, $"{path}:{nameof(oidc.ClientId)}", "must name the client at the provider");
        faults.Require(
            oidc.ScopesOrDefault().Contains("openid"),
            $"{path}:{nameof(oidc.Scopes)}",
            "must have openid among them, or there is no ID token");
        foreach (var (index, permission) in oidc.Permissions.Index())
        {
            faults.Require(
                KnownPermissions.Contains(permission),
                $"{path}:{nameof(oidc.Permissions)}:{index}",
                $"must be one of {string.Join(", ", KnownPermissions)}, is '{permission}'");
        }
    }

    private TokenTrust? TrustOrNull()
    {
        try
        {
            var issuers = provisioning.ValueOrDefault().Issuers;
            return issuers.Count == 0
                ? null
                : TokenTrust.InOrganizations(issuers);
        }
        catch (ChoriaFormatException)
        {
            // The section Provisioning tells of it itself.
            return null;
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
