namespace ControlPlane.FleetSimulator.Keys;

/// <summary>Makes each key when it is asked for, as an agent does: some 50 to 100 ms of CPU for 2048 bits.</summary>
internal sealed class RsaKeyMaker : IRsaKeySource
{
    public NodeKey Next(int bits) => NodeKey.Generate(bits);
}
