namespace ControlPlane.FleetSimulator.Keys;

/// <summary>Where the RSA keys of <c>gencsr</c> come from: made on the spot, or from a pool.</summary>
internal interface IRsaKeySource
{
    /// <summary>A private key of the size. Thread-safe.</summary>
    NodeKey Next(int bits);
}
