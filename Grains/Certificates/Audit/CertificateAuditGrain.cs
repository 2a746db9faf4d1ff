using System.Formats.Asn1;
using System.Security.Cryptography;
using ControlPlane.X509;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

[GrainType("certificate-audit")]
internal sealed partial class CertificateAuditGrain(
    GuardedIssuers issuers,
    OrphanSearch orphanSearch,
    WeakPairSearch weakPairs,
    ICertificateLedger ledger,
    IOptionsMonitor<CertificatesOptions> options,
    CertificatesMeter meter,
    TimeProvider time,
    ILogger<CertificateAuditGrain> logger) : Grain, ICertificateAuditGrain
{
    // The rest is counted: who has hundreds has one cause for them.
    private const int NamedMax = 20;

    // What a silo that went down did not look at any more, the next one does.
    private static readonly TimeSpan LookBack = TimeSpan.FromDays(1);

    private DateTimeOffset? auditedAt;
    private DateTimeOffset? comparedUntil;
    private HashSet<string> unknown = new(StringComparer.Ordinal);

    private string Issuer => this.GetPrimaryKeyString();

    public async Task Audit(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (auditedAt is { } last && now - last < options.CurrentValue.AuditInterval / 2)
        {
            return;
        }

        var homes = options.CurrentValue.LedgersOf(Issuer);
        if (homes.Count > 0 && issuers.OrNull(Issuer)?.Catalog is { } catalog)
        {
            // What was unknown twice, half an interval apart, is no order that was under way.
            var found = await orphanSearch.FindAsync(catalog, Issuer, homes, cancellationToken);
            await ReportAsync([.. found.Where(orphan => unknown.Contains(orphan.SerialText))], homes[0]);
            unknown = [.. found.Select(orphan => orphan.SerialText)];
        }

        if (options.CurrentValue.Ledgers.Contains(Issuer, StringComparer.Ordinal))
        {
            var after = new LedgerPosition(comparedUntil ?? now - LookBack, "");
            await ReportAsync(await weakPairs.FindAsync(Issuer, after, cancellationToken));
            comparedUntil = now;
        }

        auditedAt = now;
    }

    private async Task ReportAsync(IReadOnlyList<CertificateFields> orphans, string home)
    {
        meter.Orphaned(Issuer, orphans.Count);
        foreach (var orphan in orphans.Take(NamedMax))
        {
            LogOrphan(Issuer, orphan.SerialText, NameOf(orphan), orphan.NotAfter);
        }

        if (orphans.Count > NamedMax)
        {
            LogMore(Issuer, orphans.Count);
        }

        foreach (var orphan in options.CurrentValue.AuditRevokes ? orphans : [])
        {
            await ledger.TryWriteAsync(DueEntry(orphan, home), CancellationToken.None);
        }
    }

    private async Task ReportAsync(IReadOnlyList<LedgerEntry> weak)
    {
        meter.Factored(Issuer, weak.Count);
        foreach (var entry in weak.Take(NamedMax))
        {
            LogFactored(entry.Identity, entry.OrderId, entry.Certificate?.SerialNumber ?? "");
        }

        foreach (var entry in options.CurrentValue.AuditRevokes ? weak : [])
        {
            // Another writer was first: the next search meets the order as it is then.
            await ledger.TryWriteAsync(
                entry with
                {
                    State = LedgerState.RevocationDue,
                    RevocationReason = RevocationReason.KeyCompromise,
                    RevocationDueAt = time.GetUtcNow(),
                    Detail = "the key shares a prime with another node's",
                },
                CancellationToken.None);
        }
    }

    // Under a name of its own, which says from then on that the ledger knows it.
    private LedgerEntry DueEntry(CertificateFields orphan, string home)
    {
        var certificate = new IssuedCertificate(
            OrderId: "",
            Issuer,
            orphan.SerialText,
            PemEncoding.WriteString("CERTIFICATE", orphan.Der.Span) + "\n",
            ChainPem: "",
            orphan.NotBefore,
            orphan.NotAfter,
            Convert.ToHexStringLower(SHA256.HashData(orphan.PublicKeyInfo.Span)));
        var now = time.GetUtcNow();
        return new LedgerEntry(
            home,
            $"orphan#{orphan.SerialText}",
            NameOf(orphan),
            LedgerState.RevocationDue,
            RequestDigest: "",
            now,
            certificate,
            RevocationReason.Superseded,
            $"{Issuer} lists it and no order is known",
            Version: 0)
        {
            RevocationDueAt = now,
        };
    }

    private static string NameOf(CertificateFields certificate)
    {
        try
        {
            var name = NameEntry.ReadAll(certificate.Subject).FirstOrDefault(
                attribute => attribute.Oid == Oids.CommonName)?.Value;
            return SigningRequestCheck.Printable(name ?? "");
        }
        catch (AsnContentException)
        {
            return "";
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Issuer} lists certificate {Serial} of '{Node}', valid until {NotAfter}, that the ledger does not know")]
    private partial void LogOrphan(string issuer, string serial, string node, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "{Issuer} lists {Count} certificates that the ledger does not know")]
    private partial void LogMore(string issuer, int count);

    [LoggerMessage(LogLevel.Warning, "The key of {Node} shares a prime with another node's and can be factored: order {Order}, serial {Serial}")]
    private partial void LogFactored(string node, string order, string serial);
}
