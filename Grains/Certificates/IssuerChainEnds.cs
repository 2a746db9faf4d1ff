namespace ControlPlane.Certificates;

/// <summary>Until when the issuers of this silo can issue, by the chains that were last proven. Thread-safe.</summary>
public sealed class IssuerChainEnds
{
    private readonly IssuerDesks desks;

    internal IssuerChainEnds(IssuerDesks desks) => this.desks = desks;

    /// <summary>Of each issuer the CA that ends first on its path, and when.</summary>
    public IReadOnlyList<(string Issuer, string Authority, DateTimeOffset EndsAt)> All() =>
    [
        .. from desk in desks.Opened
           let first = desk.FirstToEnd
           where first is not null
           select (desk.Name, first.Subject, new DateTimeOffset(first.NotAfter)),
    ];
}
