namespace ControlPlane.Certificates;

/// <summary>Makes the order from the verified identity and the profile; of the request only the key is taken. Pure.</summary>
internal static class CertificateOrderBuilder
{
    /// <param name="orderId">The order's name.</param>
    /// <param name="request">The request, already judged; its common name is the verified identity.</param>
    /// <param name="overlay">The overlay that the node joins.</param>
    /// <param name="profile">What the certificate is to look like.</param>
    /// <param name="orderedAt">When the order was first recorded: asked again, the same order is made.</param>
    public static CertificateOrder Build(
        string orderId, SigningRequest request, string overlay, CertificateProfile profile, DateTimeOffset orderedAt)
    {
        string Fill(string template) => NameTemplate.Fill(template, request.CommonName, overlay)!;

        // X.509 knows whole seconds; an issuer that kept the rest would answer with something else than was ordered.
        var start = DateTimeOffset.FromUnixTimeSeconds(orderedAt.ToUnixTimeSeconds());
        return new CertificateOrder(
            orderId,
            profile,
            request.Der,
            request.PublicKeyInfoDer,
            SubjectOf(request.CommonName, overlay, profile),
            [request.CommonName, .. profile.DnsNames.Select(Fill).Where(name => name != request.CommonName).Distinct()],
            start - profile.Backdate,
            start + profile.Lifetime)
        {
            Uris = [.. profile.Uris.Select(Fill)],
        };
    }

    /// <summary>The subject that a node's certificate is ordered with.</summary>
    public static CertificateSubject SubjectOf(string identity, string overlay, CertificateProfile profile)
    {
        string? Fill(string? template) => NameTemplate.Fill(template, identity, overlay);

        return new CertificateSubject(
            identity, Fill(profile.Country), Fill(profile.Locality), Fill(profile.Organization), Fill(profile.OrganizationalUnit));
    }
}
