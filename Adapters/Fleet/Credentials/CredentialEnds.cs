using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Replication;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// When the credentials end that the silo shows to brokers and nodes, as their files are now, and the CAs that its issuers need.
/// Thread-safe.
/// </summary>
public sealed class CredentialEnds(
    IOptions<FleetOptions> options, TimeProvider time, GuardedIssuers? issuers = null, IOptions<ReplicationOptions>? replication = null)
{
    /// <summary>Time to have a new one made, by people.</summary>
    public static readonly TimeSpan WarningLead = TimeSpan.FromDays(30);

    /// <summary>Every credential that ends at all; a file that cannot be read is left out.</summary>
    public IReadOnlyList<CredentialEnd> All() =>
    [
        .. Files().Select(one => (one.Setting, End: EndOrNull(one.Path)))
            .Where(one => one.End is not null)
            .Select(one => new CredentialEnd(one.Setting, one.End!.Value, "replace its file")),
        .. (issuers?.ListChainEnds() ?? []).Select(one => new CredentialEnd(
            $"{CertificatesOptions.Section}:Issuers:{one.Issuer}: the CA '{one.Authority}'", one.EndsAt, "have it renewed at the CA")),
    ];

    /// <summary>Those that end soon, or have ended, in words.</summary>
    public IReadOnlyList<string> Warnings()
    {
        var now = time.GetUtcNow();
        return [.. All().Where(one => one.EndsAt - now < WarningLead).OrderBy(one => one.EndsAt).Select(one => one.InWords(now))];
    }

    private IEnumerable<(string Setting, string? Path)> Files()
    {
        var fleet = options.Value;
        var links = replication?.Value.Logins() ?? [];
        return
        [
            .. fleet.Networks().SelectMany(network => OfLogin($"{FleetOptions.Section}:{FleetOptions.PathOf(network.Key)}", network.Value)),
            ($"{FleetOptions.Section}:{nameof(fleet.ServerTokenIssuerTokenFile)}", fleet.ServerTokenIssuerTokenFile),
            ($"{FleetOptions.Section}:{nameof(fleet.CallerProof)}:{nameof(CallerProofOptions.TokenFile)}", fleet.CallerProof?.TokenFile),
            ($"{FleetOptions.Section}:{nameof(fleet.CallerProof)}:{nameof(CallerProofOptions.CertificateFile)}",
                fleet.CallerProof?.CertificateFile),
            .. links.SelectMany(link => OfLogin($"{ReplicationOptions.Section}:{link.Path}", link.Login)),
        ];
    }

    private static IEnumerable<(string Setting, string? Path)> OfLogin(string path, BrokerLoginOptions login) =>
        [($"{path}:{nameof(login.TokenFile)}", login.TokenFile), ($"{path}:{nameof(login.CertificateFile)}", login.CertificateFile)];

    private static DateTimeOffset? EndOrNull(string? path) => SecretFile.TextOrNull(path) is { } text
        ? ClientTokenCheck.ReadOrNull(text, out _)?.ExpiresAt ?? OwnCertificateCheck.EndOrNull(text)
        : null;
}

/// <param name="Setting">The setting that names its file, or the issuer and the CA.</param>
/// <param name="EndsAt">When nobody takes it any more.</param>
/// <param name="Remedy">What is to be done.</param>
public sealed record CredentialEnd(string Setting, DateTimeOffset EndsAt, string Remedy)
{
    internal string InWords(DateTimeOffset now) => EndsAt <= now
        ? $"{Setting} ended at {EndsAt:O}; {Remedy}"
        : $"{Setting} ends at {EndsAt:O}, in {(EndsAt - now).TotalDays:0} days; {Remedy} before";
}
