using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>The callers of protocol V1: their certificate vouches for their name, a privileged one for any name.</summary>
internal static partial class CertificateCallers
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public static bool Accepts(ReceivedRequest received, string authoritiesPem, DateTimeOffset now)
    {
        if (received.Proof.IsInsecure || CallerName().Match(received.Request.Caller) is not { Success: true } caller)
        {
            return false;
        }

        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(received.Proof.CallerCredential);
            var names = NamesOf(certificates[0]);
            var vouches = names.Any(name => Privileged().IsMatch(name))
                || (names.Contains(caller.Groups["name"].Value) && Allowed().IsMatch(caller.Groups["name"].Value));
            return vouches && IsIssuedBy(certificates, authoritiesPem, now) && received.Proof.IsSignedByItsCertificate();
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static bool IsIssuedBy(X509Certificate2Collection certificates, string authoritiesPem, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(authoritiesPem);
        chain.ChainPolicy.ExtraStore.AddRange(certificates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return chain.Build(certificates[0]);
    }

    private static List<string> NamesOf(X509Certificate2 certificate)
    {
        var names = new List<string> { certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) };
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>();
        names.AddRange(alternatives.SelectMany(alternative => alternative.EnumerateDnsNames()));
        return names;
    }

    [GeneratedRegex(@"^[a-z]+=(?<name>[\w.\-]+)")]
    private static partial Regex CallerName();

    [GeneratedRegex(@"\.(mcollective|choria)$")]
    private static partial Regex Allowed();

    [GeneratedRegex(@"\.privileged.(mcollective|choria)$")]
    private static partial Regex Privileged();
}
