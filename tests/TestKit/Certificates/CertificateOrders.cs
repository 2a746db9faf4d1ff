namespace ControlPlane.Certificates;

/// <summary>Orders as the issuance grain makes them.</summary>
public static class CertificateOrders
{
    /// <summary>An order for a judged request.</summary>
    public static CertificateOrder For(
        string identity, string signingRequestPem, CertificateProfile profile, DateTimeOffset now, string? orderId = null)
    {
        var verdict = SigningRequestCheck.Judge(signingRequestPem, identity, "eu-1", profile);
        return verdict is SigningRequestVerdict.Accepted accepted
            ? CertificateOrderBuilder.Build(orderId ?? $"{identity}/1", accepted.Request, "eu-1", profile, now)
            : throw new ArgumentException(verdict.ToString(), nameof(signingRequestPem));
    }
}
