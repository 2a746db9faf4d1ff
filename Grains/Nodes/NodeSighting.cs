namespace ControlPlane.Nodes;

/// <summary>What a node showed of itself on its overlay, or that two processes speak for it.</summary>
/// <param name="Network">The overlay on whose network it was seen.</param>
/// <param name="Place">Where: the broker it was connected to, as the message's trace names it, or the process that spoke.</param>
/// <param name="KeyFingerprint">
/// Lower-case hexadecimal: the Ed25519 public key (v2), or SHA-256 over the certificate's SubjectPublicKeyInfo (v1). Null when the message
/// proved none.
/// </param>
/// <param name="Standing">What the proof was worth.</param>
/// <param name="MachineId">The machine's own id among its facts; null when it reports none.</param>
/// <param name="OtherPlace">The other process that speaks for the same identity; null unless two were heard in turns.</param>
/// <param name="At">When the broker stored the message.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeSighting")]
public sealed record NodeSighting(
    [property: Id(0)] string Network,
    [property: Id(1)] string Place,
    [property: Id(2)] string? KeyFingerprint,
    [property: Id(3)] CredentialStatus Standing,
    [property: Id(4)] string? MachineId,
    [property: Id(5)] string? OtherPlace,
    [property: Id(6)] DateTimeOffset At);

/// <summary>What the credential of a message was worth when the broker stored it.</summary>
public enum CredentialStatus
{
    /// <summary>There was none to judge: an event, or a message that the broker had opened.</summary>
    None = 0,

    /// <summary>The signature is of the key, and an issuer of ours vouches for the key.</summary>
    Verified = 1,

    /// <summary>As <see cref="Verified"/>, but its time was over.</summary>
    Expired = 2,
}
