using ControlPlane.Adapters.Fleet;
using ControlPlane.Configuration;
using ControlPlane.X509;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace ControlPlane.Access;

/// <summary>The revocation lists of a file, each verified by the CA that it is of. Immutable.</summary>
internal sealed class RevocationLists
{
    private const long FileBytesMax = 64 * 1024 * 1024;

    private readonly IReadOnlyList<ListOfIssuer> _lists;

    private RevocationLists(IReadOnlyList<ListOfIssuer> lists) => _lists = lists;

    /// <summary>Those that nobody may go by any more, in words; empty when all are good.</summary>
    public IEnumerable<string> Stale(DateTimeOffset now) => _lists.Where(list => list.NextUpdate <= now)
        .Select(list => $"the list of {list.Issuer.SubjectDN} was to be renewed at {list.NextUpdate:u}");

    /// <summary>Reads all lists of a file; a list that is past its next update is a fault, as is one that none of the CAs signed.</summary>
    public static FilesRead<RevocationLists> Read(string crlFile, string caFile, DateTimeOffset now)
    {
        var (lists, faults) = (new List<ListOfIssuer>(), new List<string>());
        try
        {
            var authorities = PemCertificates.ReadDer(File.ReadAllText(caFile)).Select(Parse).ToList();
            if (new FileInfo(crlFile).Length > FileBytesMax)
            {
                return new(null, [$"'{crlFile}' is larger than {FileBytesMax} bytes"]);
            }

            foreach (var list in new X509CrlParser().ReadCrls(File.ReadAllBytes(crlFile)))
            {
                if (Fault(list, authorities, out var issuer) is { } fault)
                {
                    faults.Add($"'{crlFile}': the list of {list.IssuerDN} {fault}");
                }
                else
                {
                    lists.Add(new ListOfIssuer(
                        issuer!,
                        new DateTimeOffset(list.NextUpdate!.Value, TimeSpan.Zero),
                        [.. list.GetRevokedCertificates()?.Select(entry => entry.SerialNumber) ?? []]));
                }
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or GeneralSecurityException
            or System.Security.Cryptography.CryptographicException or ArgumentException or InvalidOperationException or Asn1Exception)
        {
            faults.Add($"'{crlFile}' cannot be read as revocation lists: {unreadable.Message}");
        }

        var read = new RevocationLists(lists);
        faults.AddRange(read.Stale(now).Select(stale => $"'{crlFile}': {stale}"));
        if (lists.Count + faults.Count == 0)
        {
            faults.Add($"'{crlFile}' holds no revocation list");
        }

        return new(read, faults);
    }

    /// <summary>Why a certificate is not to be believed; null when its issuer's list is in force and does not name it.</summary>
    public string? Fault(X509Certificate shown, DateTimeOffset now)
    {
        var list = _lists.Where(one => IsBy(shown, one.Issuer)).MaxBy(one => one.NextUpdate);
        return list is null ? "its issuer has no revocation list here"
            : list.NextUpdate <= now ? $"the revocation list of its issuer was to be renewed at {list.NextUpdate:u}"
            : list.Revoked.Contains(shown.SerialNumber) ? "it is revoked"
            : null;
    }

    private static X509Certificate Parse(byte[] der) => new X509CertificateParser().ReadCertificate(der);

    private static string? Fault(X509Crl list, List<X509Certificate> authorities, out X509Certificate? issuer)
    {
        issuer = authorities.Find(authority => authority.SubjectDN.Equivalent(list.IssuerDN) && IsSignedBy(list, authority));
        return issuer is null ? "is signed by none of the CAs"
            : list.NextUpdate is null ? "does not say when it is renewed"
            : IsPartial(list) ? "is only a part of a list"
            : null;
    }

    private static bool IsSignedBy(X509Crl list, X509Certificate authority)
    {
        try
        {
            list.Verify(authority.GetPublicKey());
            return authority.GetKeyUsage() is not { } usages || usages[6];
        }
        catch (GeneralSecurityException)
        {
            return false;
        }
    }

    private static bool IsBy(X509Certificate shown, X509Certificate authority)
    {
        try
        {
            if (!shown.IssuerDN.Equivalent(authority.SubjectDN))
            {
                return false;
            }

            shown.Verify(authority.GetPublicKey());
            return true;
        }
        catch (GeneralSecurityException)
        {
            return false;
        }
    }

    // A delta says only what changed, and a list of some reasons or of another's certificates not all that counts.
    private static bool IsPartial(X509Crl list)
    {
        if (list.GetExtensionValue(X509Extensions.DeltaCrlIndicator) is not null)
        {
            return true;
        }

        var scope = list.GetExtensionValue(X509Extensions.IssuingDistributionPoint);
        return scope is not null && IssuingDistributionPoint.GetInstance(Asn1Object.FromByteArray(scope.GetOctets()))
            is { IsIndirectCrl: true } or { OnlySomeReasons: not null }
            or { OnlyContainsCACerts: true } or { OnlyContainsAttributeCerts: true };
    }

    private sealed record ListOfIssuer(X509Certificate Issuer, DateTimeOffset NextUpdate, HashSet<BigInteger> Revoked);
}
