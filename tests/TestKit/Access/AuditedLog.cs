using ControlPlane.Access;
using ControlPlane.Store;

namespace ControlPlane.TestKit.Access;

/// <summary>What tests ask of an audit log.</summary>
public static class AuditedLog
{
    /// <summary>All records, in the order of the log.</summary>
    public static async Task<IReadOnlyList<AuditRecord>> RecordsAsync(this ILog log, CancellationToken cancellationToken) =>
        (await LinesAsync(log, cancellationToken)).Records();

    /// <summary>The records among lines.</summary>
    public static IReadOnlyList<AuditRecord> Records(this IEnumerable<AuditLine> lines) =>
        [.. lines.Where(line => AuditTopics.ChainOrNull(line.Topic) is not null).Select(line => AuditRecord.ReadOrNull(line.Body)!)];

    /// <summary>All lines, as an export has them.</summary>
    public static async Task<IReadOnlyList<AuditLine>> LinesAsync(this ILog log, CancellationToken cancellationToken)
    {
        var lines = new List<AuditLine>();
        await foreach (var line in new AuditReader(log).ReadAsync(0, cancellationToken))
        {
            lines.Add(line);
        }

        return lines;
    }

    /// <summary>What a verification finds in lines.</summary>
    public static AuditFindings Verify(this IEnumerable<AuditLine> lines, DateTimeOffset? now = null, params string[] trustedKeys)
    {
        var verification = new AuditVerification(KeySigner.IsSigned, trustedKeys);
        foreach (var line in lines)
        {
            verification.Add(line);
        }

        return verification.Finish(now);
    }
}
