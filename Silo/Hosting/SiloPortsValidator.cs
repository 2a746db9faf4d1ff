using System.Security.Cryptography;
using ControlPlane.Adapters.Transport;
using ControlPlane.Placement;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Hosting;

/// <summary>Whether other silos would believe this one's certificate, or its secret can be used, said before either is tried.</summary>
internal sealed class SiloPortsValidator(IOptions<OverlaysOptions> overlays, TimeProvider time) : IValidateOptions<SiloHostOptions>
{
    private string Site => overlays.ValueOrDefault().Local;

    public ValidateOptionsResult Validate(string? name, SiloHostOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.Tls is { } tls)
        {
            AddTlsFaults(faults, tls);
        }
        else if (SecretFault(SiloPorts.SecretFileOf(options, Site)) is { } fault)
        {
            faults.AddError(fault, nameof(options.SecretFile));
        }

        return faults.Build();
    }

    // Where there is none yet, the start makes it.
    private static string? SecretFault(string file)
    {
        try
        {
            _ = File.Exists(file) ? LocalSecret.Read(file) : null;
            return null;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            return $"cannot be used: {unusable.Message}";
        }
    }

    private void AddTlsFaults(ValidateOptionsResultBuilder faults, SiloTlsOptions tls)
    {
        const string section = nameof(SiloHostOptions.Tls);
        foreach (var (key, file) in (IEnumerable<(string, string)>)[
            (nameof(tls.CertificateFile), tls.CertificateFile), (nameof(tls.KeyFile), tls.KeyFile), (nameof(tls.CaFile), tls.CaFile)])
        {
            if (!File.Exists(file))
            {
                faults.AddError(file.Length == 0 ? "is needed" : $"names a file that does not exist: '{file}'", $"{section}:{key}");
            }
        }

        if (PemCertificates.FaultOfFile(tls.CaFile) is { } unreadable)
        {
            faults.AddError(unreadable, $"{section}:{nameof(tls.CaFile)}");
        }

        foreach (var fault in OwnFaults(tls).Distinct(StringComparer.Ordinal))
        {
            faults.AddError(fault, $"{section}:{nameof(tls.CertificateFile)}");
        }
    }

    // Silos connect to one another, so that each shows its certificate in both directions.
    private List<string> OwnFaults(SiloTlsOptions tls)
    {
        var now = time.GetUtcNow();
        var faults = ((string[])[OwnCertificateCheck.ServerAuthentication, OwnCertificateCheck.ClientAuthentication])
            .SelectMany(purpose => OwnCertificateCheck.Faults(tls.CertificateFile, tls.KeyFile, File.ReadAllText, purpose, now)).ToList();
        if (faults.Count > 0 || !File.Exists(tls.CertificateFile))
        {
            return faults;
        }

        try
        {
            var own = PemCertificates.ReadFile(tls.CertificateFile);
            if (Site.Length > 0 && PeerName.FaultOf(own[0], Site, PeerRole.Silo) is { } misnamed)
            {
                faults.Add($"names a certificate that is not of a silo of {Site}: {misnamed}");
            }

            if (File.Exists(tls.CaFile) && PeerTrust.DoubtOrNull(own, PemCertificates.ReadFile(tls.CaFile), now) is { } doubt)
            {
                faults.Add($"names a certificate that silos with the CAs of CaFile do not trust: {doubt}");
            }
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException)
        {
            // Told of above, or with the CAs.
        }

        return faults;
    }
}
