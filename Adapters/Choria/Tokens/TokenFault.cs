namespace ControlPlane.Adapters.Choria;

/// <summary>Why a token is refused.</summary>
public enum TokenRefusal
{
    /// <summary>It cannot be read, or lacks a claim that its purpose demands.</summary>
    Malformed = 1,

    /// <summary>Its signature is wrong, or its signer unknown.</summary>
    Untrusted = 2,

    /// <summary>Its trust chain does not lead from the organisation issuer to it.</summary>
    WronglyChained = 3,

    /// <summary>It, or the token of the issuer in its chain, has ended. Ends are exact: there is no leeway.</summary>
    Expired = 4,

    /// <summary>It begins later.</summary>
    NotYetValid = 5,

    /// <summary>It is sound, but of another purpose.</summary>
    AnotherPurpose = 6,

    /// <summary>It is signed by an algorithm that no trusted key signs with: nothing can be said of its signature.</summary>
    AnotherAlgorithm = 7,
}

/// <param name="Reason">Why it is refused.</param>
/// <param name="Detail">The same in words that hold no secret.</param>
public sealed record TokenFault(TokenRefusal Reason, string Detail);
