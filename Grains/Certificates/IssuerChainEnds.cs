namespace ControlPlane.Certificates;

/// <summary>Until when the issuers of this silo can issue, by the chains that were last proven. Thread-safe.</summary>
public sealed class IssuerChainEnds
{
    private readonly GuardedIssuers issuers;

    internal IssuerChainEnds(GuardedIssuers issuers) => this.issuers = issuers;

    /// <summary>Of each issuer the CA that ends first on its path, and when.</summary>
    public IReadOnlyList<(string Issuer, string Authority, DateTimeOffset EndsAt)> All() =>
    [
        .. from guarded in issuers.Opened
           let first = guarded.FirstToEnd
           where first is not null
           select (guarded.Name, first.Subject, new DateTimeOffset(first.NotAfter)),
    ];
}
