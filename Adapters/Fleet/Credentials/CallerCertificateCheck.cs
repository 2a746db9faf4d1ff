using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Judges the certificate that requests to nodes of protocol v1 are signed with, by the rules of those nodes. Pure.</summary>
internal static class CallerCertificateCheck
{
    private const string Prefix = "choria=";
    private const string AllowedSetting = "plugin.choria.security.certname_whitelist";

    private static readonly string[] AllowedByDefault = [@"\.mcollective$", @"\.choria$"];

    /// <summary>What is wrong besides its validity, each a phrase that follows the name of its setting.</summary>
    /// <param name="certificatePem">The certificate.</param>
    /// <param name="caller">Who we say that we are.</param>
    /// <param name="allowed">Patterns of names that nodes take requests from.</param>
    public static IEnumerable<string> Faults(string certificatePem, string caller, IReadOnlyList<string> allowed)
    {
        using var certificate = PemCertificates.Read(certificatePem)[0];
        using var key = certificate.GetRSAPublicKey();
        if (key is null)
        {
            yield return "names a certificate whose key is not RSA, the only kind that requests of protocol v1 are signed with";
        }

        var names = CertificateTrust.NamesOf(certificate);
        var name = caller.StartsWith(Prefix, StringComparison.Ordinal) ? caller[Prefix.Length..] : "";
        if (name.Length == 0)
        {
            yield return $"goes with requests of protocol v1, whose caller is '{Prefix}' and the certificate's name: "
                + $"Fleet:Caller is '{caller}'";
        }
        else if (names.Count == 0)
        {
            yield return "names a certificate without subject alternative names, which speaks for nobody on nodes; "
                + $"have it issued with the DNS name {name}";
        }
        else if (!names.Contains(name, StringComparer.Ordinal))
        {
            yield return $"names a certificate of {string.Join(", ", names)}, and Fleet:Caller is '{caller}'; make the two the same";
        }

        if (name.Length > 0 && !allowed.Any(pattern => Matches(pattern, name)))
        {
            yield return $"is of a caller that nodes take no requests from: '{name}' must match one of {string.Join(" ", allowed)} "
                + $"({AllowedSetting})";
        }
    }

    /// <summary>The names that nodes of an overlay take requests from, as their configuration says.</summary>
    public static IReadOnlyList<string> AllowedBy(IReadOnlyDictionary<string, string> configuration) =>
        configuration.TryGetValue(AllowedSetting, out var patterns)
            ? patterns.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : AllowedByDefault;

    private static bool Matches(string pattern, string name)
    {
        try
        {
            return Regex.IsMatch(name, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception unclear) when (unclear is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
