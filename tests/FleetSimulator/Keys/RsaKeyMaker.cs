using System.Security.Cryptography;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>Makes each key when it is asked for, as an agent does: some 50 to 100 ms of CPU for 2048 bits.</summary>
internal sealed class RsaKeyMaker : IRsaKeySource
{
    public byte[] Next(int bits)
    {
        using var key = RSA.Create(bits);
        return key.ExportRSAPrivateKey();
    }
}
