namespace ControlPlane.Certificates;

/// <summary>Section <c>Certificates</c>.</summary>
public sealed class CertificatesOptions
{
    public const string Section = "Certificates";

    /// <summary>The certificate profiles by name.</summary>
    public Dictionary<string, CertificateProfile> Profiles { get; set; } = new(StringComparer.Ordinal);
}
