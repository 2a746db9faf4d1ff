using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Holds the list of what a CA issued against the ledger.</summary>
internal sealed class OrphanSearch(ICertificateLedger ledger, TimeProvider time)
{
    private const int AtOnceMax = 32;

    // A pass that meets more of what we do not know is in a CA of others; what is left over is met by the next one, once these are settled.
    private const int ReadsMax = 1_000;

    /// <summary>The certificates that may still be used, and that the ledgers do not know. Repeatable.</summary>
    /// <remarks>Among them are those whose orders are under way: what is meant is still there the next time.</remarks>
    /// <param name="catalog">The CA's list.</param>
    /// <param name="issuer">Its name.</param>
    /// <param name="homes">The ledgers in which its certificates may be.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
    public async Task<IReadOnlyList<CertificateFields>> FindAsync(
        IIssuedCertificateCatalog catalog, string issuer, IReadOnlyList<string> homes, CancellationToken cancellationToken)
    {
        var orphans = new List<CertificateFields>();
        var reads = 0;
        foreach (var few in (await catalog.ListSerialNumbersAsync(cancellationToken)).Chunk(AtOnceMax))
        {
            var known = await Task.WhenAll(few.Select(serialNumber => IsKnownAsync(issuer, serialNumber, homes, cancellationToken)));
            foreach (var serialNumber in few.Where((_, index) => !known[index]).TakeWhile(_ => reads < ReadsMax))
            {
                reads++;
                if (await catalog.ReadAsync(serialNumber, cancellationToken) is { } der
                    && CertificateFields.ReadOrNull(der) is { } certificate
                    && IsOfUse(certificate))
                {
                    orphans.Add(certificate);
                }
            }
        }

        return orphans;
    }

    private async Task<bool> IsKnownAsync(
        string issuer, string serialNumber, IReadOnlyList<string> homes, CancellationToken cancellationToken)
    {
        foreach (var home in homes)
        {
            if (await ledger.FindAsync(home, issuer, serialNumber, cancellationToken) is not null)
            {
                return true;
            }
        }

        return false;
    }

    // A CA lists its own certificate too.
    private bool IsOfUse(CertificateFields certificate)
    {
        return certificate.NotAfter > time.GetUtcNow()
            && !(certificate.Find(Oids.BasicConstraints) is { } constraints
                && CertificateExtension.SaysCertificateAuthority(constraints.Value));
    }
}
