using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>The lifecycle events of a node.</summary>
internal static class NodeEvents
{
    private const int UuidBytes = 16;

    public static LifecycleEvent Make(
        LifecycleKind kind, NodeProfile profile, NodeProcess process, DateTimeOffset now, Random random) => new()
    {
        Kind = kind,
        Id = Uuid(random),
        Identity = profile.Identity,
        Component = process.IsProvisioning ? ChoriaSubjects.ProvisioningComponent : ChoriaSubjects.ServerComponent,
        UnixSeconds = now.ToUnixTimeSeconds(),
        Version = kind is LifecycleKind.Startup or LifecycleKind.Alive ? NodeProfile.ChoriaVersion : null,
    };

    // Version 4, from the node's own randomness.
    private static string Uuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[UuidBytes];
        random.NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
