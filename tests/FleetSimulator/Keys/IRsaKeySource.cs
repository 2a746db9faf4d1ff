namespace ControlPlane.FleetSimulator.Keys;

/// <summary>Where the RSA keys of <c>gencsr</c> come from: made on the spot, or from a pool.</summary>
internal interface IRsaKeySource
{
    /// <summary>The private key as PKCS#1 DER. Thread-safe.</summary>
    byte[] Next(int bits);
}
