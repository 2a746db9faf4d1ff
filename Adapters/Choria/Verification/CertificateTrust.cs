namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

/// <summary>Whose certificates are believed in V1, and for which callers, by the rules of Choria's nodes. Thread-safe.</summary>
public sealed partial class CertificateTrust : IDisposable
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string SubjectAlternativeNames = "2.5.29.17";

    private readonly X509Certificate2Collection authorities;
    private readonly IReadOnlyList<Regex> allowed;
    private readonly IReadOnlyList<Regex> privileged;

    /// <param name="authorities">The CA certificates; disposed with this.</param>
    /// <param name="allowed">Patterns of the names of callers; Choria's own default when null.</param>
    /// <param name="privileged">Patterns of the names that may sign for any caller; Choria's own default when null.</param>
    /// <exception cref="ChoriaFormatException">A pattern is not one.</exception>
    public CertificateTrust(
        X509Certificate2Collection authorities, IReadOnlyList<string>? allowed = null, IReadOnlyList<string>? privileged = null)
    {
        this.authorities = authorities;
        try
        {
            this.allowed = Compile(allowed ?? [@"\.mcollective$", @"\.choria$"]);
            this.privileged = Compile(privileged ?? [@"\.privileged.mcollective$", @"\.privileged.choria$"]);
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or NotSupportedException)
        {
            var fault = new ChoriaFault(ChoriaLayer.Key, "ca", "has a pattern that is not a regular expression");
            throw new ChoriaFormatException(fault, unreadable);
        }
    }

    /// <summary>Whether a provisioned V1 node serves the request. Collective, filter and agent are for the node to look at.</summary>
    public bool TryVerifyCaller(ReceivedRequest received, DateTimeOffset now, [NotNullWhen(false)] out RequestFault? fault)
    {
        ArgumentNullException.ThrowIfNull(received);
        fault = Judge(received, now);
        return fault is null;
    }

    /// <summary>Whether a certificate, PEM with its intermediates, is of the CA at an instant. Says nothing of who holds its key.</summary>
    public bool IsIssuedHere(string certificatePem, DateTimeOffset at)
    {
        X509Certificate2Collection bundle = [];
        try
        {
            bundle = RequestCertificate.Read(certificatePem);
            return bundle.Count > 0 && IsIssuedHere(bundle, at);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            DisposeAll(bundle);
        }
    }

    public void Dispose() => DisposeAll(authorities);

    private static void DisposeAll(X509Certificate2Collection certificates)
    {
        foreach (var certificate in certificates)
        {
            certificate.Dispose();
        }
    }

    private RequestFault? Judge(ReceivedRequest received, DateTimeOffset now)
    {
        if (received.Proof.Protocol != ChoriaProtocol.V1 || received.Proof.IsInsecure)
        {
            return new RequestFault(RequestRefusal.SignatureMissing, "it carries no signature of a certificate's key");
        }

        return received.Request.IsFresh(now)
            ? CertificateFault(received, now)
            : new RequestFault(RequestRefusal.Stale, "its time to live is over");
    }

    private RequestFault? CertificateFault(ReceivedRequest received, DateTimeOffset now)
    {
        X509Certificate2Collection bundle = [];
        try
        {
            bundle = RequestCertificate.Read(received.Proof.CallerCredential);
            var proof = received.Proof;
            if (bundle.Count == 0 || !RequestCertificate.Verifies(bundle[0], proof.SignedBytes.Span, proof.Signature.Span))
            {
                return new RequestFault(RequestRefusal.SignatureWrong, "it is not signed by its certificate's key");
            }

            return IsIssuedHere(bundle, now)
                ? CallerFault(NamesOf(bundle[0]), received.Request.Caller)
                : new RequestFault(RequestRefusal.CredentialRefused, "its certificate is not one of the CA for clients, or not valid now");
        }
        catch (CryptographicException)
        {
            return new RequestFault(RequestRefusal.CredentialRefused, "its certificate, or one that follows it, cannot be read");
        }
        finally
        {
            DisposeAll(bundle);
        }
    }

    private RequestFault? CallerFault(IReadOnlyList<string> names, string caller)
    {
        var mismatch = new RequestFault(RequestRefusal.CallerMismatch, "the certificate is of another caller");
        if (CallerPattern().Match(caller) is not { Success: true } match)
        {
            return mismatch;
        }

        if (names.Any(name => privileged.Any(pattern => pattern.IsMatch(name))))
        {
            return null;
        }

        var name = match.Groups[1].Value;
        if (!names.Contains(name, StringComparer.Ordinal))
        {
            return mismatch;
        }

        return allowed.Any(pattern => pattern.IsMatch(name))
            ? null
            : new RequestFault(RequestRefusal.NotPermitted, "the caller's name is not on the list of allowed ones");
    }

    private bool IsIssuedHere(X509Certificate2Collection bundle, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(bundle);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;

        // A stranger's certificate must not make us fetch what it names.
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return chain.Build(bundle[0]);
    }

    /// <summary>
    /// Whom a certificate speaks for: nobody when it has no alternative names, as on nodes; with them, its common name counts too.
    /// </summary>
    public static IReadOnlyList<string> NamesOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        if (certificate.Extensions[SubjectAlternativeNames] is not { } extension)
        {
            return [];
        }

        var alternatives = new X509SubjectAlternativeNameExtension(extension.RawData, extension.Critical);
        return [.. alternatives.EnumerateDnsNames(), certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)];
    }

    private static Regex[] Compile(IReadOnlyList<string> patterns) =>
        [.. patterns.Select(pattern => new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant))];

    [GeneratedRegex(@"^[a-z]+=([\w\.\-]+)", RegexOptions.CultureInvariant)]
    private static partial Regex CallerPattern();
}
