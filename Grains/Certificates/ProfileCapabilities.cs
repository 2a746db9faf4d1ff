namespace ControlPlane.Certificates;

/// <summary>What a profile asks that an issuer cannot be ordered to do. Pure; needs no CA.</summary>
/// <remarks>
/// Lifetime and usages of a CA that sets them itself are not known here: they are asked of the CA at start
/// (<see cref="ICertificateProfileCheck"/>), and every certificate is held to them.
/// </remarks>
internal static class ProfileCapabilities
{
    /// <summary>All of it, each a phrase that follows the issuer's name.</summary>
    public static IEnumerable<string> Faults(CertificateProfile profile, IssuerCapabilities capabilities)
    {
        string?[] attributes = [profile.Country, profile.Locality, profile.Organization, profile.OrganizationalUnit];
        if (!capabilities.PerRequestSubject && attributes.Any(attribute => !string.IsNullOrEmpty(attribute)))
        {
            yield return "cannot be ordered to write subject attributes; set them at the CA";
        }

        if (!capabilities.PerRequestNames && profile.DnsNames.Count > 0)
        {
            yield return "cannot be ordered to write DNS names";
        }

        if (!capabilities.PerRequestUris && profile.Uris.Count > 0)
        {
            yield return "cannot be ordered to write URIs";
        }

        if (profile.Revocable && !capabilities.RevokesBySerial && !capabilities.RevokesByCertificate)
        {
            yield return "cannot revoke, as Revocable demands";
        }
    }
}
