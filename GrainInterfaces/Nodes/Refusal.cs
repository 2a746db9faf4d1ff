namespace ControlPlane.Nodes;

/// <summary>Why a node may not enrol. Each is a stable name that the API gives as the problem's type.</summary>
public enum Refusal
{
    /// <summary>The provisioning token cannot be read.</summary>
    TokenMalformed = 1,

    /// <summary>The provisioning token's signature is wrong, or its signer unknown.</summary>
    TokenUntrusted = 2,

    /// <summary>The provisioning token's trust chain does not lead from the organisation issuer.</summary>
    TokenWronglyChained = 3,

    /// <summary>The provisioning token has expired or is not valid yet.</summary>
    TokenExpired = 4,

    /// <summary>The token is of another purpose: a client's or a server's.</summary>
    TokenOfAnotherPurpose = 5,

    /// <summary>The token's shared secret is not ours, or the node does not accept ours.</summary>
    SecretMismatch = 6,

    /// <summary>The node could not prove that it holds the key that it showed.</summary>
    KeyUnproven = 7,

    /// <summary>The signing request cannot be read, or its own signature is wrong.</summary>
    RequestMalformed = 8,

    /// <summary>The signing request names another node.</summary>
    IdentityMismatch = 9,

    /// <summary>The identity matches a pattern kept for clients and privileged callers, such as <c>*.mcollective</c>.</summary>
    IdentityReserved = 10,

    /// <summary>The identity is not a host name that a certificate may carry.</summary>
    IdentityMalformed = 11,

    /// <summary>The signing request asks for names besides the identity.</summary>
    NamesUnexpected = 12,

    /// <summary>The key is too weak, too large or of a kind that is not allowed.</summary>
    KeyUnacceptable = 13,

    /// <summary>The signing request asks to be a CA, or has a critical extension that we do not know.</summary>
    ExtensionUnacceptable = 14,

    /// <summary>The CA refused the order for good.</summary>
    IssuerRefused = 15,

    /// <summary>The node refused its configuration.</summary>
    ConfigurationRefused = 16,

    /// <summary>No overlay may take the node, and the policy does not let it wait.</summary>
    Unplaceable = 17,

    /// <summary>The enrolment failed more often than the limit allows.</summary>
    TooManyAttempts = 18,

    /// <summary>Another node has the key, or a certificate of it was revoked.</summary>
    KeyReused = 19,

    /// <summary>Two machines or processes use the identity, or it is used with a key that is not the one it enrolled with.</summary>
    Cloned = 40,

    /// <summary>Two machines answer for it on the provisioning network: which one is the node, nothing there says.</summary>
    Contested = 41,

    /// <summary>It did not show what the site demands: a token of its own, or what is listed for it.</summary>
    Unproven = 42,
}
