using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>What a node's certificate is good for. Requests may ask for it, and certificates must give it. Pure.</summary>
internal static class NodeUsages
{
    // keyAgreement is what Vault's and cfssl's stock profiles add; it gives a node no power that it should not have.
    private const KeyUsages Allowed = KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment | KeyUsages.KeyAgreement;

    /// <summary>The key usages that a certificate for the key must have.</summary>
    public static KeyUsages NeededFor(PublicKeyParts key) => key is PublicKeyParts.Rsa
        ? KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment
        : KeyUsages.DigitalSignature;

    /// <summary>Whether they hold all that is needed, and nothing that a node must not have.</summary>
    public static bool Fit(KeyUsages usages, KeyUsages needed) => (usages & needed) == needed && (usages & ~Allowed) == 0;

    /// <summary>The purposes that a certificate of the profile has, exactly.</summary>
    public static IReadOnlyList<string> PurposesOf(CertificateProfile profile) => profile.ServerAuthentication
        ? [Oids.ServerAuthentication, Oids.ClientAuthentication]
        : [Oids.ClientAuthentication];
}
