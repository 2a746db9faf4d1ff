namespace ControlPlane.Certificates;

/// <summary>Why a certificate is revoked. The names and numbers are RFC 5280's CRLReason.</summary>
public enum RevocationReason
{
    Unspecified = 0,
    KeyCompromise = 1,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,
}
