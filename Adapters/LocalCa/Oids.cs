namespace ControlPlane.Adapters.LocalCa;

/// <summary>The object identifiers that are written.</summary>
internal static class Oids
{
    public const string RsaEncryption = "1.2.840.113549.1.1.1";

    public const string CommonName = "2.5.4.3";
    public const string Country = "2.5.4.6";
    public const string Locality = "2.5.4.7";
    public const string Organization = "2.5.4.10";
    public const string OrganizationalUnit = "2.5.4.11";

    public const string SubjectKeyIdentifier = "2.5.29.14";
    public const string KeyUsage = "2.5.29.15";
    public const string SubjectAlternativeName = "2.5.29.17";
    public const string BasicConstraints = "2.5.29.19";
    public const string RevocationListNumber = "2.5.29.20";
    public const string ReasonCode = "2.5.29.21";
    public const string NameConstraints = "2.5.29.30";
    public const string RevocationListDistributionPoints = "2.5.29.31";
    public const string AuthorityKeyIdentifier = "2.5.29.35";
    public const string ExtendedKeyUsage = "2.5.29.37";

    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
}
