namespace ControlPlane.Adapters.Choria;

/// <summary>Why a provisioned node, or who receives what nodes publish, drops a request. Nodes tell nobody.</summary>
public enum RequestRefusal
{
    /// <summary>It is not signed, or in the other protocol than the one that can be verified here.</summary>
    SignatureMissing = 1,

    /// <summary>The signature is not of the key in the credential.</summary>
    SignatureWrong = 2,

    /// <summary>The credential is not believed: see the detail.</summary>
    CredentialRefused = 3,

    /// <summary>The credential is of another caller.</summary>
    CallerMismatch = 4,

    /// <summary>The caller may not manage the fleet, or not without a delegator.</summary>
    NotPermitted = 5,

    /// <summary>It was made too long ago, or too far in the future.</summary>
    Stale = 6,
}

/// <param name="Reason">Why it is refused.</param>
/// <param name="Detail">The same in words that hold no secret.</param>
public sealed record RequestFault(RequestRefusal Reason, string Detail);
