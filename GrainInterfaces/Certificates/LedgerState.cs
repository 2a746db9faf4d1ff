namespace ControlPlane.Certificates;

/// <summary>How an order stands.</summary>
public enum LedgerState
{
    /// <summary>The intent is recorded; the CA may have been called.</summary>
    Intended = 1,

    /// <summary>The certificate is recorded and given out.</summary>
    Issued = 2,

    /// <summary>The CA or a check refused it; no certificate of it is valid.</summary>
    Refused = 3,

    /// <summary>The CA may have issued a certificate that we do not have.</summary>
    OutcomeUnknown = 4,

    /// <summary>Superseded; its certificate is to be revoked.</summary>
    RevocationDue = 5,

    /// <summary>Its certificate is revoked, or there was none and none can come.</summary>
    Closed = 6,
}
