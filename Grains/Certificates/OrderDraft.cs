namespace ControlPlane.Certificates;

/// <summary>An order that may be sent: what is asked, with the request that was judged and the profile that it is made by. Pure.</summary>
internal sealed record OrderDraft(CertificateOrderRequest Order, SigningRequest Request, CertificateProfile Profile)
{
    /// <summary>Whom to ask: whoever hands out the certificate that came along, or else those that issue.</summary>
    public IEnumerable<string> Issuers => Order.Given is null
        ? Profile.Issuers.Where(issuer => issuer != HelperCertificates.IssuerName || Profile.Issuers.Count == 1)
        : [HelperCertificates.IssuerName];

    /// <summary>Judges what is asked.</summary>
    /// <param name="order">What is asked.</param>
    /// <param name="profile">The profile that it names.</param>
    /// <param name="refused">The rule that it breaks; null when it may be sent.</param>
    public static OrderDraft? Judge(
        CertificateOrderRequest order, CertificateProfile profile, out SigningRequestVerdict.Refused? refused)
    {
        var verdict = SigningRequestCheck.Judge(order.SigningRequestPem, order.Identity, order.Overlay, profile);
        refused = verdict as SigningRequestVerdict.Refused;
        return verdict is SigningRequestVerdict.Accepted accepted ? new OrderDraft(order, accepted.Request, profile) : null;
    }

    /// <summary>The order as it is, or was, sent at an instant: the same again for the same instant.</summary>
    public CertificateOrder At(DateTimeOffset orderedAt) =>
        CertificateOrderBuilder.Build(Order.OrderId, Request, Order.Overlay, Profile, orderedAt) with { Given = Order.Given };
}
