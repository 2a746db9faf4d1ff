using System.Numerics;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Compares the keys of the certificates that were issued of late, so that those which share a prime are found.</summary>
/// <remarks>Those that were certified about the same time are compared with each other: clones start together.</remarks>
internal sealed class WeakPairSearch(ICertificateLedger ledger)
{
    /// <summary>Orders, in one ledger, whose keys share a prime. Repeatable.</summary>
    /// <param name="home">The ledger.</param>
    /// <param name="after">From where on it is read.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<IReadOnlyList<LedgerEntry>> FindAsync(string home, LedgerPosition after, CancellationToken cancellationToken)
    {
        var found = new List<LedgerEntry>();
        while (true)
        {
            var entries = await ledger.ListAsync(home, LedgerState.Issued, after, SharedPrimes.ModuliMax, cancellationToken);
            var moduli = entries.Select(ModulusOrNull).ToList();

            // Seconds of work, which no other grain's turn is to wait for.
            var shared = await Task.Factory.StartNew(
                () => SharedPrimes.Find(moduli.OfType<BigInteger>()),
                cancellationToken,
                TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
                TaskScheduler.Default);
            found.AddRange(entries.Where((_, index) => moduli[index] is { } modulus && shared.Contains(modulus)));
            if (entries.Count < SharedPrimes.ModuliMax)
            {
                return found;
            }

            after = entries[^1].Position;
        }
    }

    private static BigInteger? ModulusOrNull(LedgerEntry entry) =>
        entry.Certificate is { } certificate && PublicKeyReader.Read(
            CertificateFields.Read(certificate.Der()).PublicKeyInfo) is PublicKeyParts.Rsa rsa
            ? new BigInteger(rsa.Modulus, isUnsigned: true, isBigEndian: true)
            : null;
}
