namespace ControlPlane.Certificates;

/// <summary>Makes the order from the verified identity and the profile; of the request only the key is taken. Pure.</summary>
internal static class CertificateOrderBuilder
{
    /// <param name="orderId">The order's name.</param>
    /// <param name="request">The request, already judged; its common name is the verified identity.</param>
    /// <param name="profile">What the certificate is to look like.</param>
    /// <param name="orderedAt">When the order was first recorded: asked again, the same order is made.</param>
    public static CertificateOrder Build(string orderId, SigningRequest request, CertificateProfile profile, DateTimeOffset orderedAt)
    {
        // X.509 knows whole seconds; an issuer that kept the rest would answer with something else than was ordered.
        var start = DateTimeOffset.FromUnixTimeSeconds(orderedAt.ToUnixTimeSeconds());
        return new CertificateOrder(
            orderId,
            profile,
            request.Der,
            request.PublicKeyInfoDer,
            new CertificateSubject(
                request.CommonName, profile.Country, profile.Locality, profile.Organization, profile.OrganizationalUnit),
            [request.CommonName],
            start - profile.Backdate,
            start + profile.Lifetime);
    }
}
